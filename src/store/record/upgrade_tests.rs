//! Records of every earlier version are brought forward, with everything in them. The rows of a version are those that
//! its program wrote: JSON columns have the fields that there were then.

use super::*;
use crate::model::{CaseStatus, Severity};

/// Rows that can stand in records of the versions from … to.
struct Rows {
    from: usize,
    to: usize,
    sql: &'static str,
}

const LATEST: usize = usize::MAX;

/// The newest version whose tables all have rows below; whoever adds a table adds rows for it and raises this.
const COVERED: usize = 17;

/// JSON of a mention as version 1 wrote it.
const MENTION: &str = r#"{"id":0,"source":"news","entry":{"identity":[7,7,7,7,7,7,7,7,7,7,7,7,7,7,7,7],"title":"Acme lost my order","text":"I want my money back.","url":"https://news.example.com/1","author":{"name":"Ana"},"published":"2026-11-20T09:12:00Z","lang":"en","site":null,"rating":null},"fetched":"2026-11-20T09:15:00Z","watchlists":[{"name":"acme","matched":[{"part":"title","start":0,"end":4,"term":"acme"}]}],"classification":{"language":{"code":"en","confidence":0.9},"sentiment":{"label":"negative","score":-0.5},"category":"refund","categories":[{"name":"refund","score":0.9}],"severity":"high","flags":["legal"],"cues":[{"text":"money back","effect":"category:refund","why":"asks for money"}]},"decision":{"department":"support","copy":["board"],"deliver":"now","case":true,"why":"handles refund"}}"#;

const ROWS: [Rows; 19] = [
    Rows {
        from: 1,
        to: LATEST,
        sql: r#"
        INSERT INTO sources VALUES ('news', '{"etag":"\"v1\"","address":"00ff"}', 'failing', 'timed out', 'timeout',
            2, 30, 1763630100000, 1763630100000, 1763633700000, 1763630100000, 60, 0);
        INSERT INTO gaps (source, at, reason) VALUES ('news', 1763630100000, 'more entries than max_entries');
        INSERT INTO stories VALUES (1, 1763630100000);
        INSERT INTO story_keys VALUES (x'01010101010101010101010101010101', 1, 1);
        INSERT INTO mentions (id, story, original, source, identity, fetched, category, severity, department, deliver,
            words, content) VALUES
            (1, 1, 1, 'news', x'07070707070707070707070707070707', 1763630100000, 'refund', 'high', 'support', 'now',
             x'01000000', 'MENTION'),
            (2, 1, 0, 'blog', x'08080808080808080808080808080808', 1763630200000, 'refund', 'high', 'support', 'now',
             x'01000000', 'MENTION');
        INSERT INTO outbox VALUES
            (1, 'alert', 'brand@example.com', 'one@example.com', 'alert:story 1:brand@example.com', 1, NULL,
             '{"kind":"alert","watchlists":["acme"]}', 1763630100000, 1763630100000, 'deferred', 2, 0, NULL, '451 later'),
            (2, 'notice', 'support@example.com', 'two@example.com', 'notice:story 1:support@example.com', 1, NULL,
             '{"kind":"notice","department":"support","copy":false}', 1763630100000, 1763630100000, 'sent', 1, 0,
             1763630101000, NULL),
            (3, 'bundle', 'pr@example.com', 'three@example.com', 'bundle:three@example.com', NULL, NULL,
             '{"kind":"bundle"}', 1763630100000, 1763630100000, 'queued', 0, 0, NULL, NULL),
            (4, 'alert', 'pr@example.com', 'four@example.com', 'alert:story 1:pr@example.com', 1, 3,
             '{"kind":"alert","watchlists":["acme"]}', 1763630100000, 1763630100000, 'bundled', 0, 0, NULL, NULL),
            (5, 'notice', 'gone@example.com', 'five@example.com', 'notice:story 1:gone@example.com', 1, NULL,
             '{"kind":"notice","department":"board","copy":true}', 1763630100000, 1763630100000, 'failed', 3, 0,
             1763630102000, '550 no such person');"#,
    },
    Rows { from: 1, to: 1, sql: "UPDATE on_its_way SET outbox = 1;" },
    Rows {
        from: 1,
        to: 2,
        sql: "INSERT INTO cases (id, mention, department, status, opened) VALUES (1, 1, 'support', 'open', 1763630100000);",
    },
    Rows {
        from: 2,
        to: LATEST,
        sql: "UPDATE relay SET failures = 3, down_since = 1763630100000, hold_until = 1763630400000, told = 1;",
    },
    Rows {
        from: 3,
        to: LATEST,
        sql: r#"
        INSERT INTO cases (id, mention, department, status, opened, person, due, content) VALUES
            (1, 1, 'support', 'open', 1763630100000, 'ana@example.com', 1763640000000,
             '{"id":1,"mention":1,"status":"open","owner":{"department":"support","person":"ana@example.com"},"category":"refund","severity":"high","opened":"2025-11-20T09:15:00Z","since":"2025-11-20T09:15:00Z","round":1}');
        INSERT INTO case_history (case_id, at, what) VALUES (1, 1763630100000,
            '{"what":"opened","owner":{"department":"support","person":"ana@example.com"},"why":{"kind":"next-in-turn"}}');
        INSERT INTO case_mentions VALUES (2, 1, 1);
        INSERT INTO case_owners (case_id, person) VALUES (1, 'ana@example.com');
        INSERT INTO case_reminders VALUES (1, 1, 'acknowledge', 'owner', 1763630100000);"#,
    },
    Rows {
        from: 4,
        to: LATEST,
        sql: "INSERT INTO unmatched (at, entries, size, source, content) VALUES (1763630100000, 0, 2, 'news', x'0300');",
    },
    Rows {
        from: 5,
        to: LATEST,
        sql: "INSERT INTO fingerprints VALUES (1, 1763630100000, x'', x'01000000');
              INSERT INTO story_places VALUES (1, 'news'), (1, 'blog');",
    },
    Rows {
        from: 5,
        to: LATEST,
        sql: "INSERT INTO versions VALUES (1, 1, 1763630100000, 'MENTION');
              INSERT INTO held VALUES (2, 'blog', 1763630200000, NULL);",
    },
    Rows {
        from: 6,
        to: LATEST,
        sql: r#"INSERT INTO corrections (mention, at, author, category, sentiment, language, text, before) VALUES
                (1, 1763630100000, 'Ana', 'complaint', NULL, 'en', 'Acme lost my order',
                 '{"language":{"code":"en","confidence":0.9},"sentiment":{"label":"negative","score":-0.5},"category":"refund","categories":[],"severity":"high","flags":[],"cues":[]}');"#,
    },
    Rows {
        from: 7,
        to: LATEST,
        sql: r#"INSERT INTO themes VALUES (1, 'acme', 'growing', 1763630100000, 1, x'',
                '{"id":1,"watchlist":"acme","name":"lost order","status":"growing","category":"refund","severity":"high","first_seen":"2025-11-20T09:15:00Z","last_seen":"2025-11-20T09:15:00Z"}');
            INSERT INTO theme_mentions VALUES (1, 1, 1763630100000, x'01', '{"why":"first"}');
            INSERT INTO theme_history (theme, at, what) VALUES (1, 1763630100000, '{"what":"began"}');"#,
    },
    Rows { from: 8, to: LATEST, sql: "INSERT INTO sign_ins VALUES ('nonce', 'ana@example.com', 1763630100000, NULL);" },
    Rows {
        from: 9,
        to: LATEST,
        sql: "INSERT INTO replies VALUES ('reply@example.com', 'ana@example.com', 1763630100000, 1, 'acknowledged', 0);",
    },
    Rows {
        from: 10,
        to: LATEST,
        sql: "INSERT INTO forgotten VALUES (x'02020202020202020202020202020202', 1763630100000);
              INSERT INTO said VALUES (x'03');
              INSERT INTO perks VALUES (1, 'support', 'THANKS1', 1763630100000);",
    },
    Rows {
        from: 11,
        to: 16,
        sql: "INSERT INTO digests VALUES ('support', 'digest', 1763630100000, 1, 1763630100000, 1);",
    },
    Rows {
        from: 17,
        to: LATEST,
        sql: "INSERT INTO digests VALUES ('support', 'digest', 1763630100000, 1, 1763630100000, 1, 1, 1);",
    },
    Rows {
        from: 11,
        to: LATEST,
        sql: "INSERT INTO blind (source, since, until) VALUES ('news', 1763630000000, 1763630100000);",
    },
    Rows { from: 12, to: LATEST, sql: "INSERT INTO looks VALUES (1, 1763633700000, NULL, '{}', 1763630100000);" },
    Rows { from: 13, to: LATEST, sql: "INSERT INTO sign_outs VALUES (x'04', 1763630100000);" },
    Rows {
        from: 14,
        to: LATEST,
        sql: r#"INSERT INTO counted VALUES (489897, 'acme', 1, 'news', 'refund', 1, 489897);
              INSERT OR IGNORE INTO listening VALUES ('news', 1763630100000);
              INSERT INTO warnings VALUES (1, 'acme', 1763630100000, 1763630100000,
                  '{"watchlist":"acme","unusual":"rise","tally":{"cause":"watchlist","count":9,"usual":1.5,"seconds":7200,"chance":0.00001},"since":"2025-11-20T08:00:00Z","given":"2025-11-20T09:15:00Z","last":"2025-11-20T09:15:00Z","days":20}');"#,
    },
];

/// A record as the program of that version left it.
fn earlier(path: &Path, version: usize) {
    let connection = Connection::open(path).unwrap();
    connection.pragma_update(None, "journal_mode", "WAL").unwrap();
    connection.pragma_update(None, "foreign_keys", true).unwrap();
    for script in MIGRATIONS.iter().take(version) {
        connection.execute_batch(script).unwrap();
    }
    connection.pragma_update(None, "user_version", version).unwrap();
    for rows in ROWS.iter().filter(|rows| (rows.from..=rows.to).contains(&version)) {
        connection
            .execute_batch(&rows.sql.replace("MENTION", MENTION))
            .unwrap_or_else(|error| panic!("version {version}: {error}: {}", rows.sql));
    }
}

#[tokio::test]
async fn every_earlier_version_is_brought_forward_with_all_that_it_held() {
    for version in 1..=MIGRATIONS.len() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("record.sqlite");
        earlier(&path, version);
        // Who only reads does not bring it forward: that is said, and not which table is missing.
        if version < MIGRATIONS.len() {
            let words = Record::open_to_read(&path).err().unwrap().to_string();
            assert!(words.contains("written by an older mentiond") && words.contains("start the daemon"), "{words}");
            assert!(words.contains(&format!("schema {version}, this one reads {}", known_schema())), "{words}");
        }
        // Twice: the second time there is nothing to do.
        for _ in 0..2 {
            Record::open(&path).unwrap_or_else(|error| panic!("version {version}: {error}")).close().await;
        }

        let raw = Connection::open(&path).unwrap();
        let now: usize = raw.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
        assert_eq!(now, MIGRATIONS.len());
        let broken = raw.prepare("PRAGMA foreign_key_check").unwrap().query([]).unwrap().next().unwrap().is_some();
        assert!(!broken, "version {version}: a row lost what it belongs to");
        drop(raw);

        let reader = Record::open_to_read(&path).unwrap();
        let mentions = reader.mentions(&MentionFilter { copies: true, limit: 10, ..Default::default() }).unwrap();
        let told: Vec<_> = mentions.iter().map(|m| (m.mention.id, m.original, m.story, m.case)).collect();
        assert_eq!(told, [(2, false, 1, None), (1, true, 1, Some(1))], "version {version}");
        assert_eq!(mentions[1].mention.classification.severity, Severity::High);
        assert_eq!(mentions[1].mention.entry.author.as_ref().unwrap().name, "Ana");

        let mails: Vec<_> = reader
            .deliveries(None, None, 10)
            .unwrap()
            .into_iter()
            .rev()
            .map(|m| (m.message_id, m.status, m.attempts, m.possible_duplicate))
            .collect();
        let mail =
            |id: &str, status: &str, attempts, twice| (format!("{id}@example.com"), status.into(), attempts, twice);
        let expected: [(String, String, u32, bool); 5] = [
            // Version 1 noted in the record what was on its way.
            mail("one", "deferred", 2, version == 1),
            mail("two", "sent", 1, false),
            mail("three", "queued", 0, false),
            mail("four", "bundled", 0, false),
            mail("five", "failed", 3, false),
        ];
        assert_eq!(mails, expected, "version {version}");

        let cases = reader.cases(&CaseFilter { all: true, limit: 10, ..Default::default() }).unwrap();
        assert_eq!(cases.len(), 1, "version {version}");
        assert_eq!((cases[0].case.status, cases[0].case.severity), (CaseStatus::Open, Severity::High));
        assert_eq!(cases[0].case.owner.department, "support");
        assert!(reader.case(1).unwrap().is_some());

        let states = reader.source_states().unwrap();
        assert_eq!(states["news"].cursor.etag.as_deref(), Some("\"v1\""), "version {version}");
        assert_eq!((states["news"].health.failures, states["news"].health.blind_seconds), (2, 60));

        let record = Record::open(&path).unwrap();
        let due = record.due(moment(1_763_640_000_000), i64::MAX, 10).await.unwrap();
        assert_eq!(due.iter().map(|d| d.delivery.id).collect::<Vec<_>>(), [1, 3], "version {version}");
        assert_eq!(record.bundled(3).await.unwrap().len(), 1);
        let keys = record.read(|c| {
            let all = "SELECT count(*), max(key), max(story) FROM story_keys";
            Ok(c.query_row(all, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?)
        });
        assert_eq!(keys.await.unwrap(), (1_i64, [1_u8; 16], 1_i64), "version {version}");
        assert_eq!(record.relay_state().await.unwrap().failures, if version >= 2 { 3 } else { 0 });
        let corrections = record.corrections().await.unwrap();
        assert_eq!(corrections.len(), usize::from(version >= 6), "version {version}");
        record.close().await;
    }
}

#[tokio::test]
async fn a_newer_record_is_refused_in_words_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("record.sqlite");
    earlier(&path, MIGRATIONS.len());
    let newer = known_schema() + 1;
    let raw = Connection::open(&path).unwrap();
    raw.pragma_update(None, "user_version", newer).unwrap();
    raw.pragma_update(None, "wal_checkpoint", "TRUNCATE").unwrap();
    drop(raw);
    let before = std::fs::read(&path).unwrap();
    for refused in [Record::open(&path).err(), Record::open_to_read(&path).err()] {
        let words = refused.unwrap().to_string();
        assert!(words.contains("written by a newer mentiond"), "{words}");
        assert!(words.contains(&format!("schema {newer}")) && words.contains("restore a backup"), "{words}");
    }
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

/// The test above is worth as much as its rows: no table of these versions is without.
#[test]
fn every_table_has_rows() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("record.sqlite");
    earlier(&path, COVERED);
    let connection = Connection::open(&path).unwrap();
    let mut tables = connection.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").unwrap();
    let names: Vec<String> = tables.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let empty: Vec<_> = names
        .into_iter()
        .filter(|name| {
            let count: u64 =
                connection.query_row(&format!("SELECT count(*) FROM {name}"), [], |row| row.get(0)).unwrap();
            count == 0
        })
        .collect();
    assert_eq!(empty, Vec::<String>::new());
}
