//! The control socket in the state folder: how commands reach a running daemon. One JSON line in, one out.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::cases::Action;
use crate::model::{Category, SentimentLabel};
use crate::store::record::NewCorrection;
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
}

/// The daemon's answer: how many things were done, or why nothing was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Answer {
    Done(u64),
    Error(String),
}

type Reply = oneshot::Sender<Result<u64, String>>;

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
                    tokio::spawn(async move { tokio::time::timeout(PATIENCE, talk(stream, commands)).await });
                }
            }
        }
        let _ = std::fs::remove_file(&self.path);
    }
}

async fn talk(stream: UnixStream, commands: mpsc::Sender<Command>) -> std::io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut line = String::new();
    BufReader::new(read.take(MAX_REQUEST)).read_line(&mut line).await?;
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
        Err(error) => {
            let answer = Answer::Error(format!("not a request: {error}"));
            return write.write_all(&encode(&answer)).await;
        }
    };
    let answer = match commands.send(command).await {
        Ok(()) => match replied.await {
            Ok(Ok(done)) => Answer::Done(done),
            Ok(Err(error)) => Answer::Error(error),
            Err(_) => Answer::Error("the daemon is stopping".into()),
        },
        Err(_) => Answer::Error("the daemon is stopping".into()),
    };
    write.write_all(&encode(&answer)).await
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
    let stream = UnixStream::connect(state.join(SOCKET)).await.ok()?;
    let talk = async {
        let (read, mut write) = stream.into_split();
        let mut line = serde_json::to_vec(request).map_err(|e| e.to_string())?;
        line.push(b'\n');
        write.write_all(&line).await.map_err(|e| e.to_string())?;
        let mut answer = String::new();
        BufReader::new(read).read_line(&mut answer).await.map_err(|e| e.to_string())?;
        match serde_json::from_str(&answer) {
            Ok(Answer::Done(done)) => Ok(done),
            Ok(Answer::Error(error)) => Err(error),
            Err(_) => Err("the daemon went away without an answer".to_owned()),
        }
    };
    Some(talk.await)
}
