//! Alert rules and the dashboard ask for metrics and labels that mentiond serves.

use std::collections::{BTreeMap, BTreeSet};

use mentiond::model::{DeliveryKind, ErrorClass, SourceStatus};
use mentiond::schedule::RetryDecision;
use mentiond::store::record::OutboxCounts;
use mentiond::web::metrics::{Metrics, PollCount};
use yaml_rust2::YamlLoader;

use crate::read;

/// Served metrics, and the values that each of their labels has been seen with.
fn served() -> BTreeMap<String, BTreeMap<String, BTreeSet<String>>> {
    let metrics = Metrics::default();
    metrics.poll(PollCount::Unchanged);
    metrics.poll(PollCount::Failed(ErrorClass::RateLimited));
    metrics.poll(PollCount::Heard { entries: 1, new_entries: 1, mentions: 1, duplicates: 1, cases_opened: 1 });
    for decision in [RetryDecision::Sent, RetryDecision::GiveUp { reason: String::new() }] {
        metrics.mail(DeliveryKind::Alert, &decision);
    }
    metrics.sources([SourceStatus::Ok].into_iter());
    metrics.outbox(OutboxCounts::default());
    let mut served: BTreeMap<String, BTreeMap<String, BTreeSet<String>>> = BTreeMap::new();
    for line in metrics.encode().lines().filter(|line| !line.starts_with('#')) {
        let series = line.split(' ').next().unwrap();
        let (name, labels) = series.split_once('{').unwrap_or((series, ""));
        let entry = served.entry(name.to_owned()).or_default();
        for (label, value) in labels.trim_end_matches('}').split(',').filter_map(|pair| pair.split_once('=')) {
            entry.entry(label.to_owned()).or_default().insert(value.trim_matches('"').to_owned());
        }
    }
    served
}

/// Holds an expression to what is served. Returns how many metrics it names.
fn hold(expression: &str, served: &BTreeMap<String, BTreeMap<String, BTreeSet<String>>>) -> usize {
    let pairs = [("(", ")"), ("{", "}"), ("[", "]")];
    for (open, close) in pairs {
        assert_eq!(expression.matches(open).count(), expression.matches(close).count(), "{expression}");
    }
    let mut named = 0;
    for (at, _) in expression.match_indices("mentiond_") {
        named += 1;
        let rest = &expression[at..];
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
        let labels = served.get(&rest[..end]).unwrap_or_else(|| panic!("{} is not served: {expression}", &rest[..end]));
        let Some(selector) = rest[end..].strip_prefix('{') else { continue };
        for matcher in selector.split('}').next().unwrap().split(',') {
            let (label, value) = matcher.split_once('=').unwrap();
            let label = label.trim_end_matches(['!', '~']);
            // Given by Prometheus, not by mentiond.
            if label == "job" {
                continue;
            }
            let known = labels.get(label).unwrap_or_else(|| panic!("{} has no label {label}", &rest[..end]));
            for value in value.trim_start_matches('~').trim_matches('"').split('|') {
                assert!(known.contains(value), "{label}=\"{value}\" does not occur: {known:?}");
            }
        }
    }
    named
}

#[test]
fn alerts_ask_for_what_is_served_and_name_the_runbook() {
    let served = served();
    let runbook = read("deploy/RUNBOOK.md");
    let anchors: BTreeSet<String> = runbook
        .lines()
        .filter_map(|line| line.strip_prefix("## "))
        .map(|heading| {
            let kept = heading.to_lowercase().replace(' ', "-");
            kept.chars().filter(|c| c.is_alphanumeric() || *c == '-').collect()
        })
        .collect();
    let documents = YamlLoader::load_from_str(&read("deploy/prometheus/alerts.yml")).unwrap();
    let rules = documents[0]["groups"][0]["rules"].as_vec().unwrap();
    assert!(rules.len() >= 5);
    let mut named = 0;
    for rule in rules {
        let name = rule["alert"].as_str().unwrap();
        assert!(name.starts_with("Mentiond"), "{name}");
        named += hold(rule["expr"].as_str().unwrap(), &served);
        assert!(["critical", "warning", "info"].contains(&rule["labels"]["severity"].as_str().unwrap()));
        for key in ["summary", "description"] {
            assert!(rule["annotations"][key].as_str().is_some_and(|text| !text.is_empty()), "{name}: {key}");
        }
        let link = rule["annotations"]["runbook"].as_str().unwrap();
        let anchor = link.strip_prefix("deploy/RUNBOOK.md#").unwrap();
        assert!(anchors.contains(anchor), "{name}: {anchor}; there are {anchors:?}");
    }
    assert!(named >= 5);
}

/// By Prometheus' own tool, where it is.
#[test]
fn prometheus_takes_the_alerts() {
    let file = crate::project().join("deploy/prometheus/alerts.yml");
    let Ok(output) = std::process::Command::new("promtool").args(["check", "rules"]).arg(file).output() else {
        println!("skipped: promtool is not here");
        return;
    };
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn the_dashboard_asks_for_what_is_served() {
    let served = served();
    let dashboard: serde_json::Value = serde_json::from_str(&read("deploy/grafana/mentiond.json")).unwrap();
    let variables: BTreeSet<&str> =
        dashboard["templating"]["list"].as_array().unwrap().iter().map(|v| v["name"].as_str().unwrap()).collect();
    let (mut ids, mut shown) = (BTreeSet::new(), BTreeSet::new());
    for panel in dashboard["panels"].as_array().unwrap() {
        assert!(ids.insert(panel["id"].as_u64().unwrap()), "{panel}");
        assert!(["stat", "timeseries"].contains(&panel["type"].as_str().unwrap()));
        let place = &panel["gridPos"];
        assert!(place["x"].as_u64().unwrap() + place["w"].as_u64().unwrap() <= 24, "{panel}");
        for target in panel["targets"].as_array().unwrap() {
            let expression = target["expr"].as_str().unwrap();
            hold(expression, &served);
            shown.extend(served.keys().filter(|name| expression.contains(name.as_str())).cloned());
            for variable in expression.split('$').skip(1) {
                assert!(variables.iter().any(|v| variable.starts_with(v)), "{expression}");
            }
        }
    }
    let missing: Vec<_> = served.keys().filter(|name| !shown.contains(*name)).collect();
    assert!(missing.is_empty(), "not shown: {missing:?}");
}
