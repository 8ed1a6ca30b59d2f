//! `mentiond report`: a report about a period, as one page of HTML, as Markdown, or as JSON.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::output::{say, say_json};
use super::{Failure, is_known, load, record_of, watchlists};
use crate::clock::Clock;
use crate::compose::{ComposeSettings, Composer, Reader, ReportInput};
use crate::config::Config;
use crate::daemon::engine::mention_pages;
use crate::daemon::summaries::themes_of;
use crate::model::{Mention, Report, Theme, ThemeStatus};
use crate::store::record::{Look, Record, ThemeFilter};
use crate::summaries::{About, ReportSpan, Reporting};
use crate::text::known::nearest;
use crate::themes::NamedQueries;

/// What the report is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Html,
    Markdown,
}

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Where the period begins: 30d, 12w, or a day like 2026-06-01
    #[arg(long, value_name = "AGE|DAY", default_value = "30d", value_parser = point)]
    since: Point,
    /// Where it ends (that day not included) [default: now]
    #[arg(long, value_name = "AGE|DAY", value_parser = point)]
    until: Option<Point>,
    /// Only this watchlist
    #[arg(long, value_name = "NAME")]
    watchlist: Option<String>,
    /// Only this theme, by its number (`mentiond themes`) or its name
    #[arg(long, value_name = "ID|NAME")]
    theme: Option<String>,
    /// Before and after this day
    #[arg(long, value_name = "DAY|AGE", value_parser = point)]
    compare: Option<Point>,
    /// Form of the report
    #[arg(long, value_enum, default_value_t = Format::Html)]
    format: Format,
    /// Language of the report: en, es, pt, da [default: that of the configuration]
    #[arg(long, value_name = "CODE", value_parser = language)]
    language: Option<String>,
    /// Write it to this file instead of printing it
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Print its figures as JSON for machines
    #[arg(long)]
    json: bool,
}

/// A moment on the command line.
#[derive(Clone, Copy, Debug)]
enum Point {
    /// So long ago.
    Ago(SignedDuration),
    /// The beginning of that day.
    Day(Date),
}

impl Point {
    fn at(self, now: Timestamp, zone: &TimeZone) -> Result<Timestamp, Failure> {
        match self {
            Point::Ago(age) => now.checked_sub(age).map_err(|error| Failure::Usage(format!("mentiond: {error}"))),
            Point::Day(day) => day
                .to_zoned(zone.clone())
                .map(|start| start.timestamp())
                .map_err(|error| Failure::Usage(format!("mentiond: {day}: {error}"))),
        }
    }
}

fn point(text: &str) -> Result<Point, String> {
    if let Ok(day) = text.parse::<Date>() {
        return Ok(Point::Day(day));
    }
    super::age(text).map(Point::Ago).map_err(|_| "write an age (24h, 30d, 12w) or a day (2026-06-01)".to_owned())
}

fn language(code: &str) -> Result<String, String> {
    if Composer::speaks(code) { Ok(code.to_owned()) } else { Err("there are words in en, es, pt and da".to_owned()) }
}

pub(super) fn run(config: Option<PathBuf>, arguments: &Arguments) -> Result<(), Failure> {
    let config = load(config)?.config;
    let path = record_of(&config)?;
    let now = Clock::system().now();
    let zone = &config.daemon.timezone;
    let (from, to) = period(arguments, now, zone)?;
    let compare = arguments.compare.map(|point| point.at(now, zone)).transpose()?;
    if let Some(at) = compare.filter(|at| *at <= from || *at >= to) {
        let at = at.to_zoned(zone.clone()).date();
        return Err(Failure::Usage(format!(
            "mentiond: --compare {at} is not inside the period; widen it with --since"
        )));
    }
    is_known("--watchlist", "watchlist", arguments.watchlist.as_ref(), watchlists(&config))?;
    let theme = arguments.theme.as_deref().map(|asked| theme_named(&config, &path, asked)).transpose()?;
    let span = ReportSpan { from, to, compare, watchlist: arguments.watchlist.clone() };
    let (report, mentions) = gather(&config, &path, span, theme, now)?;
    let text = if arguments.json {
        if arguments.output.is_none() {
            return say_json(&json!(report));
        }
        serde_json::to_string_pretty(&report).map_err(|error| Failure::Failed(error.to_string()))?
    } else {
        word(&config, arguments, &report, &mentions, now)
    };
    match &arguments.output {
        None => say(text.trim_end()),
        Some(file) => {
            std::fs::write(file, text).map_err(|error| {
                Failure::Failed(format!("{} cannot be written: {error}; choose another --output", file.display()))
            })?;
            eprintln!("The report is in {}.", file.display());
        }
    }
    Ok(())
}

fn period(arguments: &Arguments, now: Timestamp, zone: &TimeZone) -> Result<(Timestamp, Timestamp), Failure> {
    let to = arguments.until.map_or(Ok(now), |point| point.at(now, zone))?;
    // An age counts back from the end of the period.
    let from = match arguments.since {
        Point::Ago(_) => arguments.since.at(to, zone)?,
        Point::Day(_) => arguments.since.at(now, zone)?,
    };
    if from < to {
        return Ok((from, to));
    }
    Err(Failure::Usage("mentiond: the period is empty: --since must be before --until".to_owned()))
}

/// A theme: one of the configuration by its name, or one that had to be acted on by its name or number.
fn theme_named(config: &Config, path: &Path, asked: &str) -> Result<About, Failure> {
    if config.themes.iter().any(|theme| theme.name == asked) {
        return Ok(About::Named(asked.to_owned()));
    }
    let found =
        Record::open_to_read(path)?.themes(&ThemeFilter { all: true, limit: usize::MAX, ..ThemeFilter::default() })?;
    // What became part of another theme is reported about there.
    let mut number = asked.trim_start_matches('#').parse::<i64>().ok();
    for _ in 0..found.len() {
        let into = found.iter().find(|row| Some(row.theme.id) == number).and_then(|row| row.theme.into);
        if into.is_none() {
            break;
        }
        number = into;
    }
    let acted_on = |status: ThemeStatus| matches!(status, ThemeStatus::Open | ThemeStatus::Closed);
    let mut found = found.into_iter().map(|row| row.theme).filter(|theme| acted_on(theme.status));
    let is_meant = |theme: &Theme| theme.name == asked || Some(theme.id) == number;
    let mut names: Vec<String> = config.themes.iter().map(|theme| theme.name.clone()).collect();
    let meant = found.find_map(|theme| {
        if is_meant(&theme) {
            return Some(About::Found { number: theme.id, name: theme.name });
        }
        names.push(theme.name);
        None
    });
    meant.ok_or_else(|| {
        let known: Vec<&str> = names.iter().map(String::as_str).collect();
        let next = "`mentiond themes` lists those that had to be acted on, `[[themes]]` names others";
        let mean = nearest(asked, &known).map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
        Failure::Usage(format!("mentiond: there is no theme `{asked}` to report about; {mean}{next}"))
    })
}

fn gather(
    config: &Config,
    path: &Path,
    span: ReportSpan,
    theme: Option<About>,
    now: Timestamp,
) -> Result<(Report, HashMap<i64, Mention>), Failure> {
    let record = Record::open_to_read(path)?;
    let themes = NamedQueries::new(config.themes.iter().map(|theme| (theme.name.clone(), &theme.query)));
    let sources: Vec<String> = config.sources.iter().map(|source| source.name.clone()).collect();
    let (from, to) = (span.from, span.to);
    let (narrow, mut own) = (span.watchlist.is_some() || theme.is_some(), std::collections::HashSet::new());
    let mut reporting = Reporting::new(&config.routing, &config.daemon.timezone, span, theme);
    let found = record.look(|moment| {
        let upto = moment.newest()?;
        moment.mentions(Look { since: reporting.reads_from(), after: upto, upto }, |heard| {
            if reporting.add(heard, &themes_of(&themes, &heard)) && narrow {
                own.insert(heard.mention.id);
            }
        })?;
        let cases = moment.worked(from, to, &|mention| !narrow || own.contains(&mention))?;
        let report = reporting.finish(&cases, moment.coverage(&sources, from, to)?, moment.began(now)?, now);
        let mentions = moment.mentions_by_id(&report.mentions())?;
        Ok((report, mentions))
    })?;
    Ok(found)
}

fn word(
    config: &Config,
    arguments: &Arguments,
    report: &Report,
    mentions: &HashMap<i64, Mention>,
    made: Timestamp,
) -> String {
    let mention_pages = mention_pages(config);
    let composer = Composer::new(ComposeSettings { mention_pages, ..ComposeSettings::default() });
    let watched = |name: &String| arguments.watchlist.as_ref().is_none_or(|only| only == name);
    let brands: Vec<&str> = config.watchlists.iter().filter(|w| watched(&w.name)).map(|w| w.display.as_str()).collect();
    let input = ReportInput {
        reader: Reader {
            language: arguments.language.as_deref().unwrap_or(&config.daemon.language),
            zone: &config.daemon.timezone,
        },
        report,
        mentions,
        what: &brands.join(", "),
        department: &|key| config.routing.department(key).map_or_else(|| key.to_owned(), |d| d.name.clone()),
        made,
    };
    match arguments.format {
        Format::Html => composer.report_page(&input),
        Format::Markdown => composer.report_markdown(&input),
    }
}
