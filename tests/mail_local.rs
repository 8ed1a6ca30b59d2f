//! Mail that leaves through a program or into a directory.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

use mentiond::mail::smtp::Limits;
use mentiond::mail::{MailError, Mailer};
use mentiond::model::{MailSettings, Mailbox, SendOutcome, TransportSettings};
use tempfile::TempDir;

const MAIL: &[u8] = b"Subject: hello\r\n\r\nfirst\r\n.\r\nlast\r\n";

fn mailer(transport: TransportSettings) -> Mailer {
    let limits = Limits { after_end: Duration::from_secs(20), ..Limits::default() };
    Mailer::with_limits(&settings(transport), limits).unwrap()
}

fn settings(transport: TransportSettings) -> MailSettings {
    let from = Mailbox { name: None, email: "mentions@example.com".to_owned() };
    MailSettings { from, transport, max_per_hour: 20, replies: None }
}

/// A stand-in for sendmail that runs this shell script. It is a link to a committed file: a program that was just
/// written may be "busy" while another test forks.
fn fake(script: &str) -> (TempDir, TransportSettings) {
    let folder = tempfile::tempdir().unwrap();
    let command = folder.path().join("sendmail");
    symlink(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/sendmail/fake"), &command).unwrap();
    fs::write(folder.path().join("script"), script).unwrap();
    (folder, TransportSettings::Sendmail { command })
}

async fn run(script: &str) -> (TempDir, SendOutcome) {
    let (folder, transport) = fake(script);
    let outcome = mailer(transport).send("mentions@example.com", "ana@example.com", "1@x", MAIL, None).await;
    (folder, outcome)
}

#[tokio::test]
async fn sendmail_gets_envelope_and_message() {
    let (folder, outcome) = run("cat > \"$here/stdin\"").await;
    assert_eq!(outcome, SendOutcome::Sent);
    let args = fs::read_to_string(folder.path().join("args")).unwrap();
    assert_eq!(args, "-i\n-f\nmentions@example.com\n--\nana@example.com\n");
    assert_eq!(fs::read(folder.path().join("stdin")).unwrap(), b"Subject: hello\n\nfirst\n.\nlast\n");
}

#[tokio::test]
async fn sendmail_exit_codes() {
    let read = "cat > /dev/null; echo 'no \u{1b}such user' >&2;";
    for (code, wanted) in [(65, "refused"), (67, "refused"), (68, "refused"), (75, "deferred")] {
        let (_folder, outcome) = run(&format!("{read} exit {code}")).await;
        let (kind, fault) = match outcome {
            SendOutcome::Refused(fault) => ("refused", fault),
            SendOutcome::Deferred(fault) => ("deferred", fault),
            other => panic!("{other:?}"),
        };
        assert_eq!(kind, wanted, "{code}");
        assert!(fault.message.contains(&format!("exit code {code}, no such user")), "{}", fault.message);
    }
    for code in [1, 64, 69, 70, 71, 73, 74, 77, 78, 127] {
        let (_folder, outcome) = run(&format!("{read} exit {code}")).await;
        assert!(matches!(outcome, SendOutcome::Deferred(_)), "{code}: {outcome:?}");
    }
}

#[tokio::test]
async fn sendmail_without_a_verdict() {
    // It had everything and was killed: it may have sent it.
    let (_folder, outcome) = run("cat > /dev/null; kill -9 $$").await;
    assert!(matches!(outcome, SendOutcome::Unknown(_)), "{outcome:?}");

    let (_folder, transport) = fake("cat > /dev/null; sleep 60");
    let limits = Limits { after_end: Duration::from_millis(300), ..Limits::default() };
    let mut mailer = Mailer::with_limits(&settings(transport), limits).unwrap();
    let outcome = mailer.send("a@example.com", "ana@example.com", "1@x", MAIL, None).await;
    assert!(matches!(outcome, SendOutcome::Unknown(_)), "{outcome:?}");

    // It never read what does not fit a pipe.
    let large = vec![b'x'; 1_000_000];
    let (_folder, transport) = fake("sleep 60");
    let mut mailer = Mailer::with_limits(&settings(transport), limits).unwrap();
    let outcome = mailer.send("a@example.com", "ana@example.com", "1@x", &large, None).await;
    assert!(matches!(outcome, SendOutcome::Unreachable(_)), "{outcome:?}");

    // It says all is well without having read it.
    let (_folder, transport) = fake("exit 0");
    let outcome = self::mailer(transport).send("a@example.com", "ana@example.com", "1@x", &large, None).await;
    assert!(matches!(outcome, SendOutcome::Unreachable(_)), "{outcome:?}");
}

#[tokio::test]
async fn a_program_left_in_the_background_holds_up_nothing() {
    let started = std::time::Instant::now();
    let (_folder, outcome) = run("cat > /dev/null; sleep 15 & exit 0").await;
    assert_eq!(outcome, SendOutcome::Sent);
    assert!(started.elapsed() < Duration::from_secs(10), "took {:?}", started.elapsed());
}

#[tokio::test]
async fn sendmail_that_is_missing_or_misled() {
    let mut missing = mailer(TransportSettings::Sendmail { command: PathBuf::from("/nowhere/sendmail") });
    let outcome = missing.send("a@example.com", "ana@example.com", "1@x", MAIL, None).await;
    assert!(matches!(outcome, SendOutcome::Unreachable(_)), "{outcome:?}");

    let (folder, transport) = fake("cat > /dev/null");
    let mut mailer = mailer(transport);
    for to in ["-oQ/tmp/x", "-be@", "ana@example.com eve@example.com", "ana@example.com\n"] {
        let outcome = mailer.send("a@example.com", to, "1@x", MAIL, None).await;
        assert!(matches!(outcome, SendOutcome::Refused(_)), "{to:?}: {outcome:?}");
    }
    assert!(!folder.path().join("args").exists(), "it was never run");
    assert_eq!(mailer.send("", "-be@example.com", "1@x", MAIL, None).await, SendOutcome::Sent);
    assert_eq!(fs::read_to_string(folder.path().join("args")).unwrap(), "-i\n-f\n<>\n--\n-be@example.com\n");
}

#[tokio::test]
async fn directory_has_one_file_a_mail() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out/mail");
    let mut mailer = mailer(TransportSettings::Directory { path: path.clone() });
    for id in ["20260301.2@example.com", "20260301.1@example.com", "20260301.1@example.com"] {
        assert_eq!(mailer.send("a@example.com", "ana@example.com", id, MAIL, None).await, SendOutcome::Sent);
    }
    let mut names: Vec<_> =
        fs::read_dir(&path).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names, ["20260301.1@example.com.eml", "20260301.2@example.com.eml"], "a retry makes no second file");
    assert_eq!(fs::read(path.join(&names[0])).unwrap(), MAIL, "CRLF and all");
    // A name cannot lead out of the directory.
    assert_eq!(mailer.send("", "ana@example.com", "../../x@example.com", MAIL, None).await, SendOutcome::Sent);
    assert_eq!(fs::read_dir(&path).unwrap().count(), 3);
}

#[tokio::test]
async fn a_directory_that_fails() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "x").unwrap();
    let fault = Mailer::new(&settings(TransportSettings::Directory { path: file })).map(|_| ()).unwrap_err();
    assert!(matches!(fault, MailError::Directory { .. }), "{fault}");

    let path = folder.path().join("out");
    let mut mailer = mailer(TransportSettings::Directory { path: path.clone() });
    fs::remove_dir(&path).unwrap();
    let outcome = mailer.send("", "ana@example.com", "1@x", MAIL, None).await;
    assert!(matches!(&outcome, SendOutcome::Unreachable(f) if f.message.contains("check that the directory")));
    // Back again: so is the mail.
    fs::create_dir(&path).unwrap();
    assert_eq!(mailer.send("", "ana@example.com", "1@x", MAIL, None).await, SendOutcome::Sent);
    // In the way: a directory with the name of the file. No half file stays behind.
    fs::create_dir(path.join("2@x.eml")).unwrap();
    let outcome = mailer.send("", "ana@example.com", "2@x", MAIL, None).await;
    assert!(matches!(outcome, SendOutcome::Unreachable(_)), "{outcome:?}");
    assert!(!path.join(".2@x.eml.tmp").exists());
    let mode = fs::metadata(path.join("1@x.eml")).unwrap().permissions().mode();
    assert_eq!(mode & 0o007, 0, "a mail is nobody else's business: {mode:o}");
}
