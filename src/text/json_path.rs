//! Paths into JSON: the part of JSONPath (RFC 9535) that tables of services need: `$`, `.name`, `['name']`, `[0]`, `[-1]`,
//! `[*]` and filters of one comparison, `[?@.kind == 'reply']` or `[?@.kind]`. No recursion (`..`) and no functions: what a
//! path visits is never more than the document has nodes, so a hostile answer costs linear time.

use std::fmt;

use serde_json::Value;

/// Steps of a path at most.
const MAX_STEPS: usize = 32;

/// A path that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonPath {
    written: String,
    steps: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Name(String),
    Index(i64),
    All,
    /// Members for which the inner path has this value, or any that is not null.
    Filter(Vec<Step>, Option<Value>),
}

impl JsonPath {
    /// Reads a path.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn parse(text: &str) -> Result<Self, String> {
        let written = text.trim();
        let Some(rest) = written.strip_prefix('$') else {
            return Err(format!("a path begins with `$`, as in `$.{}`", written.trim_start_matches('.')));
        };
        let (steps, rest) = steps(rest, false)?;
        if !rest.is_empty() {
            return Err(format!("`{rest}` is not understood"));
        }
        Ok(Self { written: written.to_owned(), steps })
    }

    /// All values that the path leads to, in document order.
    pub fn all<'v>(&self, root: &'v Value) -> Vec<&'v Value> {
        walk(&self.steps, root)
    }

    /// The first value that the path leads to and that is not null.
    pub fn first<'v>(&self, root: &'v Value) -> Option<&'v Value> {
        walk(&self.steps, root).into_iter().find(|value| !value.is_null())
    }

    /// Whether what the path leads to has a place here, be it empty: a list without members is one, a missing list is none.
    pub fn has_place(&self, root: &Value) -> bool {
        has_place(&self.steps, root)
    }
}

impl fmt::Display for JsonPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

fn walk<'v>(steps: &[Step], root: &'v Value) -> Vec<&'v Value> {
    let mut here = vec![root];
    for step in steps {
        let mut next = Vec::new();
        for value in here {
            match step {
                Step::Name(name) => next.extend(value.get(name)),
                Step::Index(index) => {
                    if let Some(list) = value.as_array() {
                        let at = if *index < 0 { list.len() as i64 + index } else { *index };
                        next.extend(usize::try_from(at).ok().and_then(|at| list.get(at)));
                    }
                }
                Step::All => members(value, &mut next),
                Step::Filter(inner, wanted) => {
                    let mut list = Vec::new();
                    members(value, &mut list);
                    next.extend(list.into_iter().filter(|member| {
                        walk(inner, member).into_iter().any(|found| match wanted {
                            Some(wanted) => found == wanted,
                            None => !found.is_null(),
                        })
                    }));
                }
            }
        }
        here = next;
    }
    here
}

fn members<'v>(value: &'v Value, into: &mut Vec<&'v Value>) {
    match value {
        Value::Array(list) => into.extend(list),
        Value::Object(map) => into.extend(map.values()),
        _ => {}
    }
}

/// At most as deep as a path has steps; every node is visited once.
fn has_place(steps: &[Step], root: &Value) -> bool {
    let Some(at) = steps.iter().position(|step| matches!(step, Step::All | Step::Filter(..))) else {
        return !walk(steps, root).is_empty();
    };
    let (stem, rest) = (&steps[..at], &steps[at + 1..]);
    walk(stem, root).into_iter().any(|value| match value {
        Value::Null => true,
        Value::Array(list) => {
            list.is_empty() || matches!(steps[at], Step::Filter(..)) || list.iter().any(|one| has_place(rest, one))
        }
        // A map of things; one that says something else is none.
        Value::Object(map) => {
            map.is_empty() || map.values().any(|one| (one.is_object() || one.is_array()) && has_place(rest, one))
        }
        _ => false,
    })
}

/// Steps up to the end, or inside of a filter up to what ends the inner path; and what is left.
fn steps(mut rest: &str, inner: bool) -> Result<(Vec<Step>, &str), String> {
    let mut steps = Vec::new();
    loop {
        if steps.len() > MAX_STEPS {
            return Err(format!("a path has at most {MAX_STEPS} steps"));
        }
        if let Some(after) = rest.strip_prefix('.') {
            if after.starts_with('.') {
                return Err("`..` (look everywhere below) is not supported: write the names on the way".to_owned());
            }
            if let Some(after) = after.strip_prefix('*') {
                steps.push(Step::All);
                rest = after;
                continue;
            }
            let end = after.find(|c: char| !c.is_alphanumeric() && !matches!(c, '_' | '-')).unwrap_or(after.len());
            let (name, after) = after.split_at(end);
            if name.is_empty() {
                return Err("a name is missing after `.`; names with other signs are written ['like:this']".to_owned());
            }
            steps.push(Step::Name(name.to_owned()));
            rest = after;
        } else if let Some(after) = rest.strip_prefix('[') {
            let (step, after) = bracket(after.trim_start())?;
            rest = after.trim_start().strip_prefix(']').ok_or("`]` is missing")?;
            steps.push(step);
        } else if inner || rest.is_empty() {
            return Ok((steps, rest));
        } else {
            return Err(format!("`{rest}` is not understood; names follow a `.`"));
        }
    }
}

fn bracket(text: &str) -> Result<(Step, &str), String> {
    if let Some(after) = text.strip_prefix('*') {
        return Ok((Step::All, after));
    }
    if text.starts_with(['\'', '"']) {
        let (name, after) = quoted(text)?;
        return Ok((Step::Name(name), after));
    }
    if let Some(after) = text.strip_prefix('?') {
        let after = after.trim_start();
        let after = after.strip_prefix('@').ok_or("a filter begins with `?@`")?;
        let (inner, after) = steps(after, true)?;
        let after = after.trim_start();
        let Some(after) = after.strip_prefix("==") else { return Ok((Step::Filter(inner, None), after)) };
        let after = after.trim_start();
        if after.starts_with(['\'', '"']) {
            let (text, after) = quoted(after)?;
            return Ok((Step::Filter(inner, Some(Value::String(text))), after));
        }
        let end = after.find([']', ' ']).unwrap_or(after.len());
        let (word, after) = after.split_at(end);
        let value: Value =
            serde_json::from_str(word).map_err(|_| format!("`{word}` is no value; texts stand in ' '"))?;
        return Ok((Step::Filter(inner, Some(value)), after));
    }
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '-').unwrap_or(text.len());
    let (digits, after) = text.split_at(end);
    let index = digits.parse().map_err(|_| "in [ ] stands a number, *, 'a name' or a filter ?@".to_owned())?;
    Ok((Step::Index(index), after))
}

/// A text in quotes, `\` before a sign that is meant as it is.
fn quoted(text: &str) -> Result<(String, &str), String> {
    let mut chars = text.char_indices();
    let (_, quote) = chars.next().ok_or("a quote is missing")?;
    let mut out = String::new();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => out.extend(chars.next().map(|(_, c)| c)),
            c if c == quote => return Ok((out, &text[at + c.len_utf8()..])),
            c => out.push(c),
        }
    }
    Err(format!("{quote} is missing at the end of a name"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_empty_list_is_a_place_and_a_missing_one_is_none() {
        let answer = json!({"list": [], "none": null, "map": {"a": {"id": 1}}, "error": "no", "deep": {"list": [1]}});
        for path in
            ["$", "$.list", "$.list[*]", "$.none[*]", "$.map[*]", "$.deep.list[?@.x]", "$.deep.*", "$.list[*].id"]
        {
            assert!(JsonPath::parse(path).unwrap().has_place(&answer), "{path}");
        }
        for path in ["$.items", "$.items[*]", "$.error[*]", "$.deep.items[*]", "$.deep.list[*].id"] {
            assert!(!JsonPath::parse(path).unwrap().has_place(&answer), "{path}");
        }
        let all = JsonPath::parse("$[*]").unwrap();
        assert!(all.has_place(&json!([])) && all.has_place(&json!({})) && !all.has_place(&json!({"error": "no"})));
    }

    #[test]
    fn paths_lead_to_what_they_name() {
        let value = json!({
            "a": {"b c": [10, 20, 30], "im:rating": {"label": "4"}},
            "list": [{"t": "x", "id": 1}, {"t": "y", "id": 2}, {"t": "x", "id": 3, "n": 7}],
            "none": null,
        });
        for (path, found) in [
            ("$", vec![value.clone()]),
            ("$.a['b c'][0]", vec![json!(10)]),
            ("$.a['b c'][-1]", vec![json!(30)]),
            ("$.a['b c'][-4]", vec![]),
            ("$['a'][\"im:rating\"].label", vec![json!("4")]),
            ("$.list[*].id", vec![json!(1), json!(2), json!(3)]),
            ("$.list[?@.t=='x'].id", vec![json!(1), json!(3)]),
            ("$.list[?@.id == 2].t", vec![json!("y")]),
            ("$.list[?@.n].id", vec![json!(3)]),
            ("$.nothing.at.all", vec![]),
            ("$.none", vec![Value::Null]),
        ] {
            let parsed = JsonPath::parse(path).unwrap();
            assert_eq!(parsed.all(&value).into_iter().cloned().collect::<Vec<_>>(), found, "{path}");
            assert_eq!(parsed.to_string(), path);
        }
        assert_eq!(JsonPath::parse("$.none").unwrap().first(&value), None);
    }

    #[test]
    fn what_is_no_path_says_why() {
        for (path, why) in [
            ("a.b", "begins with `$`"),
            ("$..a", "look everywhere"),
            ("$.", "a name is missing"),
            ("$.a[", "in [ ] stands"),
            ("$.a[0", "`]` is missing"),
            ("$.a['b]", "is missing at the end"),
            ("$.a[?b]", "begins with `?@`"),
            ("$.a[?@.b == x]", "is no value"),
            ("$a", "names follow"),
        ] {
            let told = JsonPath::parse(path).unwrap_err();
            assert!(told.contains(why), "{path}: {told}");
        }
    }
}
