//! An access token from a program of the operator's (OAuth 2.0): mentiond knows no provider's login.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::process::Command;
use tokio::time::timeout;

use super::super::transport::new;
use crate::model::{ErrorClass, PollFault, Secret};

/// Longest token, in bytes.
const MAX_TOKEN: u64 = 64 << 10;
/// Longest time that the program may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the program prints on its first line.
pub(super) async fn token(command: &[String]) -> Result<Secret, PollFault> {
    let Some((program, arguments)) = command.split_first() else {
        return Err(fault("token_command names no program".to_owned()));
    };
    let running = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn();
    let mut running = running.map_err(|error| fault(format!("{program} could not be started: {error}")))?;
    let work = async {
        let mut out = Vec::new();
        if let Some(stdout) = running.stdout.take() {
            stdout.take(MAX_TOKEN).read_to_end(&mut out).await?;
        }
        Ok::<_, std::io::Error>((running.wait().await?, out))
    };
    let (status, out) = timeout(PATIENCE, work)
        .await
        .map_err(|_| fault(format!("{program} did not end within {} s", PATIENCE.as_secs())))?
        .map_err(|error| fault(format!("{program} failed: {error}")))?;
    let out = String::from_utf8_lossy(&out);
    let token = out.lines().next().unwrap_or_default().trim();
    if !status.success() {
        return Err(fault(format!("{program} ended with {status}")));
    }
    if token.is_empty() || token.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(fault(format!("{program} printed no token")));
    }
    Ok(Secret::new(token))
}

fn fault(what: String) -> PollFault {
    new(
        ErrorClass::Auth,
        format!("no access token: {what}. Run the command of `token_command` by hand as the user that runs mentiond."),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn of(script: &str) -> Result<String, String> {
        let command = ["/bin/sh", "-c", script].map(str::to_owned);
        token(&command).await.map(|t| t.expose().to_owned()).map_err(|f| f.message)
    }

    #[tokio::test]
    async fn a_token_is_what_the_program_prints() {
        assert_eq!(of("echo ya29.a0; echo more").await, Ok("ya29.a0".into()));
        for (script, words) in
            [("exit 3", "ended with"), ("true", "printed no token"), ("echo 'a b'", "printed no token")]
        {
            let message = of(script).await.unwrap_err();
            assert!(message.contains(words) && message.contains("by hand"), "{message}");
        }
        assert!(token(&["/nowhere/at-all".to_owned()]).await.unwrap_err().message.contains("could not be started"));
    }
}
