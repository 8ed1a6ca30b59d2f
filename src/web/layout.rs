//! What all pages have in common: templates, words, style, and the headers that keep them safe.
//!
//! Nothing is loaded from elsewhere and nothing runs inline (Content Security Policy Level 3); every value is escaped by
//! the templates. Pages are for one reader: no cache keeps them.

use std::sync::LazyLock;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Kwargs, Serde};
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value};
use sha2::{Digest, Sha256};

use crate::compose::{About, escape, words_about};

/// Everything comes from here, and nothing frames it.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; form-action 'self'; \
                      base-uri 'none'; frame-ancestors 'none'";

const STYLE: &str = include_str!("static/style.css");
const SCRIPT: &str = include_str!("static/copy.js");

/// The catalogues of the pages' own words; the first is what a reader gets whose language has none.
pub(super) const WORDS: [(&str, &str); 4] = [
    ("en", include_str!("words/en.toml")),
    ("es", include_str!("words/es.toml")),
    ("pt", include_str!("words/pt.toml")),
    ("da", include_str!("words/da.toml")),
];

pub(super) const TEMPLATES: [(&str, &str); 11] = [
    ("base.html", include_str!("templates/base.html")),
    ("parts.html", include_str!("templates/parts.html")),
    ("inbox.html", include_str!("templates/inbox.html")),
    ("mention.html", include_str!("templates/mention.html")),
    ("cases.html", include_str!("templates/cases.html")),
    ("case.html", include_str!("templates/case.html")),
    ("themes.html", include_str!("templates/themes.html")),
    ("theme.html", include_str!("templates/theme.html")),
    ("sources.html", include_str!("templates/sources.html")),
    ("act.html", include_str!("templates/act.html")),
    ("plain.html", include_str!("templates/plain.html")),
];

static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(environment);
static CATALOGUES: LazyLock<Vec<(&'static str, Value)>> = LazyLock::new(|| catalogues(About::Mention));
static OF_THEMES: LazyLock<Vec<(&'static str, Value)>> = LazyLock::new(|| catalogues(About::Theme));
/// Part of the addresses of style and script, so that a new version is fetched.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    let digest = Sha256::new().chain_update(STYLE).chain_update(SCRIPT).finalize();
    digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect()
});

/// The pages' words in a language where a theme's case is spoken of.
pub(super) fn words_of_theme(language: &str) -> Value {
    words_in(&OF_THEMES, language)
}

fn words_in(catalogues: &[(&'static str, Value)], language: &str) -> Value {
    let code = language.split(['-', '_']).next().unwrap_or(language);
    let found = catalogues.iter().find(|(known, _)| *known == code).or_else(|| catalogues.first());
    found.map(|(_, words)| words.clone()).unwrap_or_default()
}

/// What a page stands in.
#[derive(Clone, Debug, serde::Serialize)]
pub(super) struct Frame {
    /// Code of the language.
    pub(super) lang: String,
    /// Path before all addresses, without a slash at the end.
    pub(super) root: String,
    /// Which part of the navigation this is; empty outside of it.
    pub(super) place: &'static str,
    /// Name of whoever is signed in; empty if nobody is asked.
    pub(super) who: String,
    /// Goes into every form.
    pub(super) form: String,
    /// Whether there is a navigation: only for those who may look around.
    pub(super) inside: bool,
    /// It is about a theme's case, which is no single customer's: its words are other ones.
    pub(super) of_theme: bool,
}

/// A page. What goes wrong in a template is a fault of ours: it is logged, and the reader gets a plain sentence.
pub(super) fn page(status: StatusCode, template: &str, frame: &Frame, view: Value) -> Response {
    let words = words_in(if frame.of_theme { &OF_THEMES } else { &CATALOGUES }, &frame.lang);
    let values = minijinja::context! {
        f => Value::from(Serde(frame)), w => words, version => VERSION.as_str(), ..view
    };
    match ENVIRONMENT.get_template(template).and_then(|template| template.render(values)) {
        Ok(text) => secured(status, "text/html; charset=utf-8", "no-store", text),
        Err(error) => {
            tracing::error!(event = "page_failed", template, "a page could not be made: {error:#}");
            let text = "This page could not be made; the operator finds the reason in the log.\n";
            secured(StatusCode::INTERNAL_SERVER_ERROR, "text/plain; charset=utf-8", "no-store", text.to_owned())
        }
    }
}

/// Sends the reader elsewhere after a form (RFC 9110 section 15.4.4).
pub(super) fn see_other(to: &str) -> Response {
    let mut response = secured(StatusCode::SEE_OTHER, "text/plain; charset=utf-8", "no-store", String::new());
    if let Ok(to) = HeaderValue::from_str(to) {
        response.headers_mut().insert(header::LOCATION, to);
    }
    response
}

pub(super) async fn style() -> Response {
    secured(StatusCode::OK, "text/css; charset=utf-8", "public, max-age=31536000, immutable", STYLE.to_owned())
}

pub(super) async fn script() -> Response {
    secured(StatusCode::OK, "text/javascript; charset=utf-8", "public, max-age=31536000, immutable", SCRIPT.to_owned())
}

fn secured(status: StatusCode, kind: &'static str, cache: &'static str, text: String) -> Response {
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, cache),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ];
    let mut response = (status, headers, Body::from(text)).into_response();
    let name = header::HeaderName::from_static("cross-origin-opener-policy");
    response.headers_mut().insert(name, HeaderValue::from_static("same-origin"));
    response
}

/// `{name}` in a word replaced by the value given for it.
fn fill(pattern: &str, values: Kwargs) -> Result<String, minijinja::Error> {
    let mut out = String::with_capacity(pattern.len() + 16);
    let mut rest = pattern;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let Some((name, tail)) = after.split_once('}') else {
            out.push('{');
            rest = after;
            continue;
        };
        let value: Value = values.get(name)?;
        out.push_str(&value.to_string());
        rest = tail;
    }
    out.push_str(rest);
    values.assert_all_used()?;
    Ok(out)
}

#[expect(clippy::expect_used, reason = "templates are built in, and tests parse every one")]
fn environment() -> Environment<'static> {
    let mut env = Environment::new();
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
    env.set_syntax(syntax.expect("the default delimiters differ"));
    // A misspelt name is an error, never an empty place.
    env.set_undefined_behavior(UndefinedBehavior::Strict);
    env.set_auto_escape_callback(|_| AutoEscape::Html);
    env.set_formatter(|out, state, value| match value.as_str() {
        Some(text) if !value.is_safe() => escape(out, text),
        _ => minijinja::escape_formatter(out, state, value),
    });
    env.add_filter("fill", fill);
    for (name, source) in TEMPLATES {
        env.add_template(name, source).expect("a built-in template parses");
    }
    env
}

fn catalogues(about: About) -> Vec<(&'static str, Value)> {
    WORDS.iter().map(|(code, source)| (*code, Value::from(Serde(&words_about(source, about))))).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    fn leaves(prefix: &str, table: &toml::Table, out: &mut BTreeMap<String, String>) {
        for (key, value) in table {
            match value {
                toml::Value::Table(inner) => leaves(&format!("{prefix}{key}."), inner, out),
                toml::Value::String(text) => {
                    out.insert(format!("{prefix}{key}"), text.clone());
                }
                other => panic!("{prefix}{key} is {other:?}"),
            }
        }
    }

    fn catalogue(source: &str) -> BTreeMap<String, String> {
        let mut out = BTreeMap::new();
        leaves("", &source.parse().unwrap(), &mut out);
        out
    }

    fn placeholders(words: &str) -> BTreeSet<&str> {
        words.split('{').skip(1).filter_map(|s| s.split_once('}')).map(|(name, _)| name).collect()
    }

    #[test]
    fn every_language_has_the_same_words() {
        let english = catalogue(WORDS[0].1);
        for (code, source) in WORDS {
            let words = catalogue(source);
            assert_eq!(words.keys().collect::<Vec<_>>(), english.keys().collect::<Vec<_>>(), "{code}");
            for (key, text) in &words {
                assert!(!text.trim().is_empty(), "{code}: {key}");
                assert_eq!(placeholders(text), placeholders(&english[key]), "{code}: {key}");
            }
        }
    }

    #[test]
    fn what_is_said_of_a_themes_case_takes_the_place_of_what_is_said_of_a_customers() {
        for (code, source) in WORDS {
            let words = catalogue(source);
            let own: Vec<_> =
                words.iter().filter_map(|(key, text)| Some((key.strip_prefix("of_theme.")?, text))).collect();
            assert!(!own.is_empty(), "{code}");
            for (key, text) in own {
                assert_eq!(placeholders(text), placeholders(&words[key]), "{code}: {key}");
            }
        }
        let asks = |words: Value| words.get_attr("ask").unwrap().get_attr("satisfied").unwrap().to_string();
        assert_eq!(asks(words_of_theme("da")), "er problemet væk?");
        assert_eq!(asks(words_in(&CATALOGUES, "da")), "er kunden tilfreds?");
    }

    #[test]
    fn every_word_is_used_and_every_word_used_is_there() {
        let english = catalogue(WORDS[0].1);
        let all: String = TEMPLATES.iter().map(|(_, source)| *source).collect();
        for (at, _) in all.match_indices("w.") {
            let before = all[..at].chars().next_back().unwrap_or(' ');
            if before.is_alphanumeric() || before == '_' || before == '.' {
                continue;
            }
            let rest = &all[at + 2..];
            let name: String = rest.chars().take_while(|c| c.is_alphanumeric() || matches!(c, '_' | '.')).collect();
            let indexed = rest[name.len()..].starts_with('[');
            let there = if indexed {
                english.keys().any(|key| key.starts_with(&format!("{name}.")))
            } else {
                english.contains_key(&name)
            };
            assert!(there, "the templates use w.{name}");
        }
        for key in english.keys().filter(|key| !key.starts_with("of_theme.")) {
            let table = key.rsplit_once('.').unwrap().0;
            assert!(all.contains(&format!("w.{key}")) || all.contains(&format!("w.{table}[")), "{key} is never used");
        }
    }

    #[test]
    fn words_fall_back_to_english() {
        let inbox = |language| {
            words_in(&CATALOGUES, language).get_attr("nav").unwrap().get_attr("mentions").unwrap().to_string()
        };
        assert_eq!((inbox("es-MX"), inbox("fi")), ("Menciones".to_owned(), "Mentions".to_owned()));
    }
}
