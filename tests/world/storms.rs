//! Feeds that show everything as new at once.

use crate::support::world::{World, entry, rss};

const BRAND: &str = "brand@example.com";
const OPS: &str = "ops@example.com";

/// Thirty posts of a blog on this host; none has words that another has.
fn blog(host: &str, posts: std::ops::Range<u32>) -> String {
    rss(posts.map(|n| {
        entry(&format!("Acme post number {n}")).id(format!("{host}/{n}")).link(&format!("https://{host}.example/{n}"))
    }))
}

fn world() -> World {
    World::new().contact().watch("acme", "acme", BRAND).mail("max_per_hour = 1000").feed("blog", blog("old", 0..30))
}

#[tokio::test]
async fn hazard_13_a_server_move_is_held_told_once_and_released() {
    let world = world();
    assert_eq!(world.once().await.mentions, 30);
    world.serve("blog", blog("new", 0..32));
    world.once().await;
    assert_eq!(world.mails_to(BRAND).len(), 30, "nobody is flooded");
    let [notice] = &world.mails_to(OPS)[..] else { panic!("one notice: {:?}", world.heard()) };
    assert!(notice.subject.contains("everything as new"), "{}", notice.subject);
    assert!(notice.says("sources release blog"), "{}", notice.text);
    // What is new after that is told as ever, and the storm is not told again.
    world.serve("blog", blog("new", 0..33));
    world.once().await;
    assert_eq!((world.mails_to(BRAND).len(), world.mails_to(OPS).len()), (31, 1));
    let held = world.record().held().unwrap();
    assert_eq!(held["blog"].mentions, 32);
    // Accepted: every one is told.
    let other = mentiond::daemon::World::open(&world.state(), world.clock.clone()).unwrap();
    assert_eq!(other.store.record().release(world.engine().desk, "blog", world.clock.now()).await.unwrap(), 32);
    assert_eq!(other.store.record().release(world.engine().desk, "blog", world.clock.now()).await.unwrap(), 0);
    other.store.close().await;
    world.once().await;
    assert_eq!(world.mails_to(BRAND).len(), 63);
    assert!(world.record().held().unwrap().is_empty());
}

#[tokio::test]
async fn a_storm_opens_its_cases_when_it_is_accepted() {
    let world = world().toml(
        "[departments.support]\nname = \"Service\"\nemail = \"support@example.com\"\nrole = \"community\"\n\
         [[routes]]\nwhen = 'watchlist:acme'\ndepartment = \"support\"\ncase = true",
    );
    assert_eq!(world.once().await.cases_opened, 30);
    world.serve("blog", blog("new", 0..30));
    assert_eq!(world.once().await.cases_opened, 0);
    let other = mentiond::daemon::World::open(&world.state(), world.clock.clone()).unwrap();
    other.store.record().release(world.engine().desk, "blog", world.clock.now()).await.unwrap();
    other.store.close().await;
    world.once().await;
    assert_eq!(world.mails_to("support@example.com").len(), 60);
    assert_eq!(world.mentions().iter().filter(|m| m.case.is_some()).count(), 60);
}

#[tokio::test]
async fn hazard_17_ids_made_anew_at_each_poll_hold_nothing() {
    let feed = |poll: u32, posts: u32| {
        rss((0..posts).map(|n| {
            entry(&format!("Acme post number {n}")).id(format!("{poll}-{n}")).link(&format!("https://blog.example/{n}"))
        }))
    };
    let world = World::new().contact().watch("acme", "acme", BRAND).feed("blog", feed(1, 20));
    world.once().await;
    world.serve("blog", feed(2, 21));
    assert_eq!(world.once().await.mentions, 1);
    assert!(world.record().held().unwrap().is_empty());
}

#[tokio::test]
async fn hazard_39_a_lost_index_is_no_storm_and_repeats_nothing() {
    let world = world();
    world.once().await;
    std::fs::remove_dir_all(world.state().join("seen")).unwrap();
    let second = world.once().await;
    assert_eq!((second.new_entries, second.mentions, second.mail.queued), (30, 0, 0));
    assert!(world.mails_to(OPS).is_empty() && world.record().held().unwrap().is_empty());
}
