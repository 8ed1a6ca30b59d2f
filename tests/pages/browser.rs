//! The pages as people see them: Chromium without a screen, at the width of a phone and of a desk, light and dark, with
//! the accessibility rules of axe-core.
