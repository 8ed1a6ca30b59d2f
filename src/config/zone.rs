//! Time zones by their IANA name.

use jiff::tz::{TimeZone, TimeZoneDatabase};

use super::section::{Problem, did_you_mean};

/// Where systems keep the zone files; rules that were updated there win over those built in.
const SYSTEM_ZONES: &str = "/usr/share/zoneinfo";

/// The zone of that name. Reads one file instead of asking the system database, which lists its whole folder first
/// (6 ms measured, more than all the rest of a configuration).
pub(super) fn zone(text: &str) -> Result<TimeZone, Problem> {
    let text = text.trim();
    let built_in = TimeZoneDatabase::bundled();
    let Ok(zone) = built_in.get(text) else {
        let names: Vec<String> = built_in.available().map(|n| n.as_str().to_owned()).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let by_city = names.iter().find(|n| n.rsplit('/').next().is_some_and(|city| city.eq_ignore_ascii_case(text)));
        let otherwise = by_city.map_or_else(
            || "write it like \"Europe/Madrid\"; `timedatectl list-timezones` shows all".to_owned(),
            |name| format!("write \"{name}\""),
        );
        return Err(Problem::new(format!("there is no time zone `{text}`"), did_you_mean(text, &names, &otherwise)));
    };
    // The name is one of the built-in list, so that it cannot lead out of the folder.
    let Some(name) = zone.iana_name().filter(|name| *name != "UTC") else { return Ok(zone) };
    let newer = std::fs::read(format!("{SYSTEM_ZONES}/{name}")).ok();
    Ok(newer.and_then(|data| TimeZone::tzif(name, &data).ok()).unwrap_or(zone))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_and_what_people_write_instead() {
        assert_eq!(zone("Europe/Madrid").unwrap().iana_name(), Some("Europe/Madrid"));
        assert_eq!(zone("UTC").unwrap(), TimeZone::UTC);
        assert_eq!(zone("Madrid").unwrap_err().help.as_deref(), Some("write \"Europe/Madrid\""));
        assert_eq!(zone("Europe/Madird").unwrap_err().help.as_deref(), Some("did you mean `Europe/Madrid`?"));
        for text in ["CEST", "", "../../etc/passwd", "+02:00"] {
            assert!(zone(text).is_err(), "{text}");
        }
    }
}
