//! Mail through the local `sendmail` program, which every mail server brings.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Command;
use tokio::time::timeout;

use crate::model::{MailFault, SendOutcome};

use super::address;
use super::fault::{fault, quote};
use super::smtp::Limits;

/// Bytes of the program's complaints that are kept.
const MAX_STDERR: u64 = 4096;

/// How long complaints are waited for after the program has ended.
const GRACE: Duration = Duration::from_millis(500);

// sysexits.h
const EX_DATAERR: i32 = 65;
const EX_NOUSER: i32 = 67;
const EX_NOHOST: i32 = 68;
const EX_TEMPFAIL: i32 = 75;

/// The program.
pub struct Sendmail {
    command: PathBuf,
    limits: Limits,
}

impl Sendmail {
    /// `command` is looked up in PATH if it is a bare name. Whether it exists is seen when a mail is sent: it may be
    /// installed later.
    pub fn new(command: &Path, limits: Limits) -> Self {
        Self { command: command.to_owned(), limits }
    }

    /// Runs `command -i -f FROM -- TO` with the message on its standard input, line ends LF. It has
    /// [`Limits::after_end`] to end.
    pub async fn send(&self, from: &str, to: &str, message: &[u8]) -> SendOutcome {
        // The null sender is written out: an empty argument is dropped by some programs.
        let from = match from {
            "" => "<>".to_owned(),
            from => match address::ascii(from) {
                Ok(from) => from.to_string(),
                Err(why) => return unusable("sender", why),
            },
        };
        let to = match address::ascii(to) {
            Ok(to) => to.to_string(),
            Err(why) => return unusable("recipient", why),
        };
        let args: [OsString; 5] = ["-i".into(), "-f".into(), from.into(), "--".into(), to.into()];
        let spawned = Command::new(&self.command)
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn();
        let mut child = match spawned {
            Ok(child) => child,
            Err(why) => {
                return SendOutcome::Unreachable(fault(format!(
                    "{} cannot be run: {why}; check [mail] command and that a mail server is installed. All mail waits \
                     and is tried again",
                    self.command.display()
                )));
            }
        };
        let (stdin, stderr) = (child.stdin.take(), child.stderr.take());
        let bytes = lf(message);
        let mut handed_over = false;
        let run = async {
            let write = async {
                if let Some(mut stdin) = stdin {
                    // A program that ends early breaks the pipe; its exit code says what that meant.
                    handed_over = stdin.write_all(&bytes).await.is_ok() && stdin.shutdown().await.is_ok();
                }
            };
            let end = async { tokio::join!(write, child.wait()).1 };
            let complaints = read_some(stderr);
            tokio::pin!(end, complaints);
            tokio::select! {
                text = &mut complaints => (text, end.await),
                // A process left in the background may hold the pipe open long after.
                status = &mut end => (timeout(GRACE, complaints).await.unwrap_or_default(), status),
            }
        };
        let ended = timeout(self.limits.after_end, run).await;
        match ended {
            Ok((complaints, Ok(status))) => self.outcome(status, &complaints, handed_over),
            Ok((_, Err(why))) => self.lost(&why.to_string(), handed_over),
            Err(_) => self.lost(&format!("it did not end in {} s", self.limits.after_end.as_secs()), handed_over),
        }
    }

    fn outcome(&self, status: ExitStatus, complaints: &str, handed_over: bool) -> SendOutcome {
        let program = self.command.display();
        let Some(code) = status.code() else {
            return self.lost(&format!("it was killed ({status})"), handed_over);
        };
        let said = match quote(complaints) {
            said if said.is_empty() => format!("exit code {code}"),
            said => format!("exit code {code}, {said}"),
        };
        match code {
            // A program that has not read the mail to its end cannot have sent it, whatever it says.
            0 if !handed_over => self.lost("it ended well without reading the whole mail", false),
            0 => SendOutcome::Sent,
            EX_DATAERR | EX_NOUSER | EX_NOHOST => SendOutcome::Refused(fault(format!(
                "{program} refused the mail for good ({said}); correct what it names (often the address), then retry it"
            ))),
            EX_TEMPFAIL => {
                SendOutcome::Deferred(fault(format!("{program} put the mail off ({said}); it will be tried again")))
            }
            _ => SendOutcome::Deferred(fault(format!(
                "{program} failed ({said}); look into the mail server's log. It will be tried again"
            ))),
        }
    }

    /// It ended without a verdict. If it had the whole mail, it may have sent it.
    fn lost(&self, why: &str, handed_over: bool) -> SendOutcome {
        let program = self.command.display();
        if handed_over {
            SendOutcome::Unknown(fault(format!(
                "{program} had the whole mail but did not say that it took it: {why}; it is sent once more with the \
                 same Message-ID, so the recipient may get it twice"
            )))
        } else {
            SendOutcome::Unreachable(fault(format!(
                "{program} did not take the mail: {why}; look into the mail server's log. All mail waits and is tried \
                 again"
            )))
        }
    }
}

fn unusable(what: &str, why: address::AddressFault) -> SendOutcome {
    SendOutcome::Refused(MailFault {
        code: None,
        message: format!("the {what} address cannot be used: {why}; correct it in the configuration"),
    })
}

/// The first bytes of a stream; the rest is read and dropped, so that the writer is not held up.
async fn read_some(stream: Option<impl AsyncRead + Unpin>) -> String {
    let mut kept = Vec::new();
    if let Some(stream) = stream {
        let mut first = stream.take(MAX_STDERR);
        // A fault ends the reading: complaints are a courtesy.
        if first.read_to_end(&mut kept).await.is_ok() {
            let _ = tokio::io::copy(&mut first.into_inner(), &mut tokio::io::sink()).await;
        }
    }
    String::from_utf8_lossy(&kept).into_owned()
}

/// CRLF as LF, which is what programs on this system expect.
fn lf(message: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(message.len());
    let mut bytes = message.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        if byte != b'\r' || bytes.peek() != Some(&b'\n') {
            out.push(byte);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_crlf_is_changed() {
        assert_eq!(lf(b"a\r\nb\rc\n\r\n.\r\n"), b"a\nb\rc\n\n.\n");
    }
}
