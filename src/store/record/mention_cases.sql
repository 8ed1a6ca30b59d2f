-- Cases about one mention: a theme's case names the theme's first mention, which may have a case of its own beside it.
-- Whoever looks for the case of a mention looks here, and nobody can forget the difference.
CREATE VIEW mention_cases AS SELECT * FROM cases WHERE theme IS NULL;
