//! The control socket in the state folder: how commands reach a running daemon. One JSON line in, one out.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::cases::Action;
use crate::model::{Category, Person, SentimentLabel};
use crate::store::Remains;
use crate::store::record::{Erasure, NewCorrection};
use crate::themes::standing::ThemeAction;

/// Name of the socket in the state folder.
const SOCKET: &str = "control.sock";
/// Bytes of one request at most.
const MAX_REQUEST: u64 = 4096;
/// A process that connects and says nothing is cut off.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(5);

/// What a command asks of the daemon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "lowercase")]
pub enum Request {
    /// Reads the configuration again.
    Reload,
    /// Makes deferred and failed mail due now: one, or all.
    /// `to` redirects one mail.
    Retry {
        id: Option<i64>,
        #[serde(default)]
        to: Option<String>,
    },
    /// Does something with a case.
    Case { id: i64, action: Action, by: Option<String> },
    /// Does something with a theme; answered with the number of the theme to look at.
    Theme { id: i64, action: ThemeAction, by: Option<String> },
    /// Accepts what is held of a source.
    Release { source: String },
    /// Says of a mention what it is; answered with the correction's number, 0 if there is no such mention.
    Correct { mention: i64, category: Option<Category>, sentiment: Option<SentimentLabel>, author: String },
    /// Takes a correction back.
    Uncorrect { id: i64 },
    /// Forgets a person, or says what that would do.
    Forget { person: Person, dry_run: bool },
}

/// The daemon's answer: how many things were done, or why nothing was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Answer {
    Done(u64),
    /// What was erased of a person, and what still names them.
    Forgotten {
        erasure: Box<Erasure>,
        remains: Vec<Remains>,
    },
    Error(String),
}

type Reply = oneshot::Sender<Result<u64, String>>;
/// What was erased of a person, and what still names them.
pub type Forgot = (Erasure, Vec<Remains>);

/// A request on its way to the daemon's main loop.
#[derive(Debug)]
pub enum Command {
    Reload { reply: Reply },
    Retry { id: Option<i64>, to: Option<String>, reply: Reply },
    Case { id: i64, action: Action, by: Option<String>, reply: Reply },
    Theme { id: i64, action: ThemeAction, by: Option<String>, reply: Reply },
    Release { source: String, reply: Reply },
    Correct { new: NewCorrection, reply: Reply },
    Uncorrect { id: i64, reply: Reply },
    Forget { person: Person, dry_run: bool, reply: oneshot::Sender<Result<Forgot, String>> },
}

/// Why the control socket cannot be used.
#[derive(Debug, thiserror::Error)]
#[error(
    "the control socket {path} cannot be used: {source}; let the user that runs mentiond write to the state folder"
)]
pub struct ControlError {
    path: PathBuf,
    source: std::io::Error,
}

/// The listening socket.
pub struct Control {
    listener: UnixListener,
    commands: mpsc::Sender<Command>,
    path: PathBuf,
}

/// Listens in the state folder. The caller holds the folder's lock, so a socket that is there is left over.
///
/// # Errors
/// The socket cannot be made.
pub fn listen(state: &Path, commands: mpsc::Sender<Command>) -> Result<Control, ControlError> {
    let path = state.join(SOCKET);
    let fault = |source| ControlError { path: path.clone(), source };
    if path.exists() {
        std::fs::remove_file(&path).map_err(fault)?;
    }
    let listener = UnixListener::bind(&path).map_err(fault)?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).map_err(fault)?;
    Ok(Control { listener, commands, path })
}

impl Control {
    /// Answers until `stop` is cancelled.
    pub async fn serve(self, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                accepted = self.listener.accept() => if let Ok((stream, _)) = accepted {
                    let commands = self.commands.clone();
                    tokio::spawn(talk(stream, commands));
                }
            }
        }
        let _ = std::fs::remove_file(&self.path);
    }
}

async fn talk(stream: UnixStream, commands: mpsc::Sender<Command>) -> std::io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut line = String::new();
    let mut request = BufReader::new(read.take(MAX_REQUEST));
    match tokio::time::timeout(PATIENCE, request.read_line(&mut line)).await {
        Ok(read) => read?,
        Err(_) => return Ok(()),
    };
    let (reply, replied) = oneshot::channel();
    let command = match serde_json::from_str(&line) {
        Ok(Request::Reload) => Command::Reload { reply },
        Ok(Request::Retry { id, to }) => Command::Retry { id, to, reply },
        Ok(Request::Case { id, action, by }) => Command::Case { id, action, by, reply },
        Ok(Request::Theme { id, action, by }) => Command::Theme { id, action, by, reply },
        Ok(Request::Release { source }) => Command::Release { source, reply },
        Ok(Request::Correct { mention, category, sentiment, author }) => {
            Command::Correct { new: NewCorrection { mention, category, sentiment, author }, reply }
        }
        Ok(Request::Uncorrect { id }) => Command::Uncorrect { id, reply },
        Ok(Request::Forget { person, dry_run }) => {
            let (reply, replied) = oneshot::channel();
            let answer = handed(&commands, Command::Forget { person, dry_run, reply }, replied).await;
            let answer = answer.map_or_else(Answer::Error, |(erasure, remains)| Answer::Forgotten {
                erasure: Box::new(erasure),
                remains,
            });
            return write.write_all(&encode(&answer)).await;
        }
        Err(error) => {
            let answer = Answer::Error(format!("not a request: {error}"));
            return write.write_all(&encode(&answer)).await;
        }
    };
    let answer = handed(&commands, command, replied).await.map_or_else(Answer::Error, Answer::Done);
    write.write_all(&encode(&answer)).await
}

/// Hands a command to the main loop and waits for what becomes of it.
async fn handed<T>(
    commands: &mpsc::Sender<Command>,
    command: Command,
    replied: oneshot::Receiver<Result<T, String>>,
) -> Result<T, String> {
    let stopping = || "the daemon is stopping".to_owned();
    commands.send(command).await.map_err(|_| stopping())?;
    replied.await.map_err(|_| stopping())?
}

fn encode(answer: &Answer) -> Vec<u8> {
    let mut line = serde_json::to_vec(answer).unwrap_or_default();
    line.push(b'\n');
    line
}

/// Asks the daemon that runs on this state folder; `None` if none does.
///
/// # Errors
/// The daemon refused, or went away.
pub async fn ask(state: &Path, request: &Request) -> Option<Result<u64, String>> {
    Some(match exchange(state, request).await? {
        Ok(Answer::Done(done)) => Ok(done),
        Ok(Answer::Error(error)) | Err(error) => Err(error),
        Ok(Answer::Forgotten { .. }) => Err("the daemon answered something else".to_owned()),
    })
}

/// Asks the daemon that runs on this state folder to forget a person; `None` if none does.
///
/// # Errors
/// The daemon refused, or went away.
pub async fn ask_to_forget(state: &Path, request: &Request) -> Option<Result<Forgot, String>> {
    Some(match exchange(state, request).await? {
        Ok(Answer::Forgotten { erasure, remains }) => Ok((*erasure, remains)),
        Ok(Answer::Error(error)) | Err(error) => Err(error),
        Ok(Answer::Done(_)) => Err("the daemon answered something else".to_owned()),
    })
}

async fn exchange(state: &Path, request: &Request) -> Option<Result<Answer, String>> {
    let stream = UnixStream::connect(state.join(SOCKET)).await.ok()?;
    let talk = async {
        let (read, mut write) = stream.into_split();
        let mut line = serde_json::to_vec(request).map_err(|e| e.to_string())?;
        line.push(b'\n');
        write.write_all(&line).await.map_err(|e| e.to_string())?;
        let mut answer = String::new();
        BufReader::new(read).read_line(&mut answer).await.map_err(|e| e.to_string())?;
        serde_json::from_str(&answer).map_err(|_| "the daemon went away without an answer".to_owned())
    };
    Some(talk.await)
}
