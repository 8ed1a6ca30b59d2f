//! `run`: starts, reloads, answers, and stops in order.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::SignedDuration;
use mentiond::daemon::control::{self, Request};

use crate::support::smtp::{Dot, MUTE, Script};
use crate::support::web::Reply;
use crate::support::world::{World, entry, free_address, rss, until};

const BRAND: &str = "brand@example.com";

fn story(n: u32) -> String {
    rss([entry(&format!("Acme and Bolt, part {n}")).id(n).link(&format!("https://a.example/{n}"))])
}

fn world() -> World {
    World::new().feed("a", story(1)).watch("acme", "acme", BRAND)
}

#[tokio::test]
async fn hazard_38_a_bad_reload_keeps_the_old_configuration_and_a_good_one_takes_effect() {
    let world = world();
    let daemon = world.run();
    until("the first alert", || world.mails().len() == 1).await;

    let good = world.config_text();
    std::fs::write(world.config(), good.replace("[watchlists.acme]", "[watchlists.acme]\nalrt = [\"x@example.com\"]"))
        .unwrap();
    let refused = control::ask(&world.state(), &Request::Reload).await.unwrap().unwrap_err();
    assert!(refused.contains("alrt") && refused.contains("alert") && refused.contains("mentiond.toml:"), "{refused}");
    world.serve("a", story(2));
    world.pass(SignedDuration::from_hours(2));

    let watch = "[watchlists.bolt]\nquery = 'bolt'\nalert = [\"bolt@example.com\"]\n";
    std::fs::write(world.config(), format!("{good}\n{watch}")).unwrap();
    daemon.reload.send(()).await.unwrap();
    until("both watchlists hear of the second story", || world.mails().len() == 3).await;
    let to: Vec<_> = world.heard().into_iter().skip(1).map(|(_, to)| to).collect();
    assert!(to.contains(&BRAND.to_owned()) && to.contains(&"bolt@example.com".to_owned()), "{to:?}");
    daemon.stop().await.unwrap();
}

/// Who shortens `every` need not wait for a poll that was planned by the longer one.
#[tokio::test]
async fn a_shorter_interval_counts_from_the_last_poll() {
    let world = world();
    let text = world.config_text();
    let every = |every: &str| text.replace("[sources.a]\n", &format!("[sources.a]\nevery = \"{every}\"\n"));
    let world = world.with_text(every("24h"));
    let daemon = world.run();
    until("the first alert", || world.mails().len() == 1).await;
    let source = world.record().source_states().unwrap().remove("a").unwrap();
    assert_eq!((source.cursor.every, source.health.next_poll > Some(world.clock.now())), (Some(86_400), true));
    world.serve("a", story(2));
    world.pass(SignedDuration::from_mins(20));
    std::fs::write(world.config(), every("15m")).unwrap();
    daemon.reload.send(()).await.unwrap();
    until("the second story is heard", || world.mails().len() == 2).await;
    daemon.stop().await.unwrap();
}

#[tokio::test]
async fn a_bad_reload_does_not_stop_polling() {
    let world = world();
    let daemon = world.run();
    until("the first alert", || world.mails().len() == 1).await;
    let good = world.config_text();
    std::fs::write(world.folder().join("mentiond.toml"), "[daemon\n").unwrap();
    assert!(control::ask(&world.state(), &Request::Reload).await.unwrap().is_err());
    world.serve("a", story(2));
    world.pass(SignedDuration::from_hours(2));
    std::fs::write(world.folder().join("mentiond.toml"), good).unwrap();
    assert_eq!(control::ask(&world.state(), &Request::Reload).await, Some(Ok(1)));
    until("the second alert", || world.mails().len() == 2).await;
    daemon.stop().await.unwrap();
}

#[tokio::test]
async fn a_stop_waits_for_the_mail_under_way() {
    let world = world().relay(Script::default().dot(Dot::TakeLate(Duration::from_millis(700))));
    let daemon = world.run();
    until("a mail is under way", || world.relay.messages().len() == 1).await;
    assert_eq!(world.outbox()[0].status, "queued");
    daemon.stop().await.unwrap();
    assert_eq!((world.outbox()[0].status.as_str(), world.outbox()[0].attempts), ("sent", 1));
    assert!(control::ask(&world.state(), &Request::Reload).await.is_none(), "the control socket is gone");
}

#[tokio::test]
async fn a_stop_with_a_mute_relay_ends_within_ten_seconds_and_loses_nothing() {
    let mute = Script::default().answer("RCPT TO:", MUTE);
    let world = world().relay_each(vec![mute, Script::default()]);
    let daemon = world.run();
    until("a mail is under way", || world.relay.count("RCPT TO:") == 1).await;
    let (start, queued) = (Instant::now(), world.outbox().remove(0));
    daemon.stop().await.unwrap();
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    assert_eq!(world.once().await.mail.sent, 1);
    assert_eq!(world.mails()[0].message_id, queued.message_id);
}

#[tokio::test]
async fn the_control_socket_retries_mail_and_refuses_nonsense() {
    let later = Script::default().answer("RCPT TO:", "451 4.7.1 later");
    let world = world().relay_each(vec![later, Script::default()]);
    let daemon = world.run();
    until("a deferred mail", || world.outbox().first().is_some_and(|m| m.status == "deferred")).await;
    let first = world.outbox().remove(0);
    // The connection of the first try would be used again; its script defers for ever.
    daemon.reload.send(()).await.unwrap();
    until("the first session is over", || world.relay.count("QUIT") == 1).await;
    assert_eq!(control::ask(&world.state(), &Request::Retry { id: Some(first.id), to: None }).await, Some(Ok(1)));
    until("the mail", || world.mails().len() == 1).await;
    assert_eq!(world.mails()[0].message_id, first.message_id);
    assert_eq!(control::ask(&world.state(), &Request::Retry { id: Some(999), to: None }).await, Some(Ok(0)));

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut socket = tokio::net::UnixStream::connect(world.state().join("control.sock")).await.unwrap();
    socket.write_all(b"{\"do\":\"explode\"}\n").await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    assert!(answer.contains("not a request"), "{answer}");
    daemon.stop().await.unwrap();
}

#[tokio::test]
async fn health_readiness_and_metrics_over_http() {
    let address = free_address();
    let world = world().daemon(&format!("http = \"{address}\"")).feed("down", Reply::status(500));
    let daemon = world.run();
    until("the alert and the failure", || {
        world.mails().len() == 1 && world.record().source_states().unwrap().len() == 2
    })
    .await;
    assert_eq!(daemon.get("/healthz").await, (200, "ok\n".into()));
    assert_eq!(daemon.get("/readyz").await, (200, "ready\n".into()));
    assert_eq!(daemon.get("/nothing").await.0, 404);
    // The courier counts a mail before the relay's record can be read here, the poller a poll right after.
    let wanted = [
        "mentiond_polls_total{result=\"heard\"} 1",
        "mentiond_polls_total{result=\"transient\"} 1",
        "mentiond_entries_total 1",
        "mentiond_new_entries_total 1",
        "mentiond_mentions_total 1",
        "mentiond_duplicates_total 0",
        "mentiond_mails_total{kind=\"alert\",result=\"sent\"} 1",
        // There before they first happen, so that the first is a rise.
        "mentiond_mails_total{kind=\"alert\",result=\"failed\"} 0",
        "mentiond_polls_total{result=\"unchanged\"} 0",
        "mentiond_sources{status=\"ok\"} 1",
        "mentiond_sources{status=\"failing\"} 1",
        "mentiond_outbox{status=\"sent\"} 1",
    ];
    let mut metrics = String::new();
    for _ in 0..400 {
        metrics = daemon.get("/metrics").await.1;
        if wanted.iter().all(|line| metrics.contains(line)) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    for line in wanted {
        assert!(metrics.lines().any(|l| l == line), "{line} in {metrics}");
    }
    daemon.stop().await.unwrap();
    assert!(tokio::net::TcpStream::connect(address).await.is_err(), "nobody listens any more");
}

#[tokio::test]
async fn an_address_in_use_stops_the_start_in_words() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let world = world().daemon(&format!("http = \"{address}\""));
    let error = world.run().ended().await.unwrap_err().to_string();
    assert!(error.contains(&address.to_string()) && error.contains("choose another `http`"), "{error}");
    assert!(world.web.visits().is_empty());
}

#[tokio::test]
async fn hazard_35_a_record_that_can_no_longer_be_written_is_503_and_the_end() {
    let address = free_address();
    let world = world().daemon(&format!("http = \"{address}\""));
    let daemon = world.run();
    until("the first alert", || world.mails().len() == 1).await;
    let metrics = Arc::clone(&daemon.world.metrics);
    // From now on every poll's transaction fails, as on a full or broken disk.
    let raw = rusqlite::Connection::open(world.state().join("record.sqlite")).unwrap();
    raw.busy_timeout(Duration::from_secs(5)).unwrap();
    raw.execute_batch(
        "CREATE TRIGGER broken BEFORE INSERT ON mentions BEGIN SELECT RAISE(ABORT, 'disk I/O error'); END;",
    )
    .unwrap();
    world.serve("a", story(2));
    world.pass(SignedDuration::from_hours(2));
    daemon.reload.send(()).await.unwrap();
    let error = daemon.ended().await.unwrap_err().to_string();
    assert!(error.contains("disk I/O error"), "{error}");
    assert!(metrics.fault().is_some_and(|f| f.contains("disk I/O error")), "{:?}", metrics.fault());

    // Whoever asks while the daemon ends hears it.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (at, stop) = (listener.local_addr().unwrap(), tokio_util::sync::CancellationToken::new());
    let serving = tokio::spawn(mentiond::web::serve(listener, mentiond::web::health(metrics), stop.clone()));
    let (status, body) = crate::support::world::get(at, "/healthz").await;
    assert!(status == 503 && body.contains("disk I/O error"), "{status} {body}");
    assert_eq!(crate::support::world::get(at, "/readyz").await.0, 503);
    stop.cancel();
    serving.await.unwrap();

    // No half state: once the disk is well, the entry is new.
    raw.execute_batch("DROP TRIGGER broken").unwrap();
    drop(raw);
    assert_eq!(world.once().await.mentions, 1);
    assert_eq!(world.mails().len(), 2);
}
