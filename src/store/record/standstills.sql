-- Whether a source was asked so late that nobody listened meanwhile is decided in one place, `schedule::late_since`.
DROP TRIGGER blind_standstill;
