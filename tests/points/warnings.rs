//! The end of the process while a warning is given: it is kept with its mail or not at all, and told once.

use jiff::{SignedDuration, Timestamp};
use mentiond::clock::Clock;
use mentiond::store::record::Record;

use crate::support::world::{Entry, World, entry, rss};
use crate::{dies, succeeds};

/// A post of no other words.
fn post(number: u32, words: &str, at: Timestamp) -> Entry {
    let rare: String = format!("{:x}", u64::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15))
        .chars()
        .map(|c| char::from(b'a' + c.to_digit(16).map_or(0, |d| u8::try_from(d).unwrap_or(0))))
        .collect();
    let (a, b) = rare.split_at(rare.len() / 2);
    entry(&format!("{a} {b}"))
        .id(number)
        .link(&format!("https://forum.example.net/t/{number}"))
        .text(&format!("Oakline {words} {rare} {b}{a}"))
        .author(a)
        .published(at)
}

/// Sixteen days of a post an hour, up to now, and then sixty within the hour that nobody has heard yet.
async fn before_a_rise() -> World {
    let world = World::new();
    world.serve("forum", rss([]));
    let url = world.web.url("/forum");
    // Asked before it is due, whatever the dice take from a day: so nobody was deaf in between.
    let world = world
        .toml(&format!("[sources.forum]\nkind = \"feed\"\nevery = \"24h\"\nurl = \"{url}\""))
        .toml("[watchlists.oakline]\nquery = 'oakline'")
        .toml("[departments.team]\nname = \"Team\"\nemail = \"team@example.com\"\nrole = \"community\"")
        .toml("[[routes]]\nwhen = 'oakline'\ndepartment = \"team\"\ndeliver = \"none\"");
    let now = Clock::system().now();
    let mut number = 0;
    for round in (0..=24).rev() {
        let at = now - SignedDuration::from_hours(16 * round);
        world.clock.set(at);
        let said = (1..=16).map(|hour| {
            number += 1;
            post(number, "stands here", at - SignedDuration::from_mins(60 * hour - 20))
        });
        let said: Vec<Entry> = said.collect();
        world.serve("forum", rss(said));
        world.once().await;
    }
    let rise = (0..60).map(|n| {
        number += 1;
        post(number, "fell down", now - SignedDuration::from_mins(1 + n / 2))
    });
    let rise: Vec<Entry> = rise.collect();
    world.serve("forum", rss(rise));
    world
}

#[tokio::test]
async fn hazard_34_dying_while_a_warning_is_given_tells_it_once() {
    for (point, kept) in [("warning-giving", false), ("warning-given", true)] {
        let world = before_a_rise().await;
        let given = || {
            let record = Record::open_to_read(&world.state().join("record.sqlite")).unwrap();
            record.warnings(Timestamp::UNIX_EPOCH).unwrap().len()
        };
        let told = || world.mails().into_iter().filter(|mail| mail.kind == "warning").count();
        assert_eq!((given(), told()), (0, 0), "{point}: before the rise");
        // A round that looks before it has heard warns in the next one.
        assert!((0..3).any(|_| dies(&world, &["once"], point, 1)), "nothing passes {point}");
        assert_eq!((given(), told()), (usize::from(kept), 0), "{point}: what is left");
        succeeds(&world, &["once"]);
        assert_eq!((given(), told()), (1, 1), "{point}: the next life");
        succeeds(&world, &["once"]);
        assert_eq!((given(), told()), (1, 1), "{point}: and the one after");
    }
}
