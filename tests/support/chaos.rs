//! A TCP proxy that is no friend: by the dice of a seed it refuses, delays, trickles, and cuts connections in either
//! direction, until it is told to be calm.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use super::dice::Dice;

/// Bytes of a block when all is well.
const BLOCK: usize = 4096;

/// A way to a server on this machine. Its threads end with its connections.
pub struct Chaos {
    port: u16,
    calm: Arc<AtomicBool>,
    harmed: Arc<AtomicUsize>,
}

/// What happens to one connection.
#[derive(Clone, Copy, Debug)]
enum Fate {
    Pass,
    Refused,
    /// Cut after so many bytes from the client, or from the server.
    CutFromClient(usize),
    CutFromServer(usize),
    /// Every block so much later.
    Slow(Duration),
    /// A few bytes at a time.
    Trickle,
}

impl Chaos {
    pub fn before(server: u16, seed: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (calm, harmed) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let (is_calm, count) = (Arc::clone(&calm), Arc::clone(&harmed));
        std::thread::spawn(move || {
            let mut dice = Dice(seed);
            for client in listener.incoming().map_while(Result::ok) {
                let fate = if is_calm.load(Ordering::SeqCst) { Fate::Pass } else { dice.fate() };
                count.fetch_add(usize::from(!matches!(fate, Fate::Pass)), Ordering::SeqCst);
                std::thread::spawn(move || carry(client, server, fate));
            }
        });
        Self { port, calm, harmed }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// From now on everything passes.
    pub fn calm_down(&self) {
        self.calm.store(true, Ordering::SeqCst);
    }

    /// Connections that were not simply passed on.
    pub fn harmed(&self) -> usize {
        self.harmed.load(Ordering::SeqCst)
    }
}

fn carry(client: TcpStream, server: u16, fate: Fate) {
    if matches!(fate, Fate::Refused) {
        return;
    }
    let Ok(server) = TcpStream::connect(("127.0.0.1", server)) else { return };
    let (up, down) = match fate {
        Fate::CutFromClient(after) => (after, usize::MAX),
        Fate::CutFromServer(after) => (usize::MAX, after),
        _ => (usize::MAX, usize::MAX),
    };
    let (Ok(client_too), Ok(server_too)) = (client.try_clone(), server.try_clone()) else { return };
    std::thread::spawn(move || pump(client_too, server_too, fate, up));
    pump(server, client, fate, down);
}

/// Carries one direction, for at most `left` bytes, then ends both.
fn pump(mut from: TcpStream, mut to: TcpStream, fate: Fate, mut left: usize) {
    let (size, wait) = match fate {
        Fate::Slow(wait) => (BLOCK, wait),
        Fate::Trickle => (97, Duration::from_millis(1)),
        _ => (BLOCK, Duration::ZERO),
    };
    let mut block = [0; BLOCK];
    while let Ok(count @ 1..) = from.read(&mut block[..size]) {
        std::thread::sleep(wait);
        let count = count.min(left);
        left -= count;
        if to.write_all(&block[..count]).is_err() || left == 0 {
            let _ = from.shutdown(Shutdown::Both);
            break;
        }
    }
    let _ = to.shutdown(if left == 0 { Shutdown::Both } else { Shutdown::Write });
}

impl Dice {
    fn fate(&mut self) -> Fate {
        let bytes = usize::try_from(self.below(9_000)).unwrap() + 1;
        match self.below(8) {
            0 | 1 => Fate::Pass,
            2 => Fate::Refused,
            3 | 4 => Fate::CutFromClient(bytes),
            5 => Fate::CutFromServer(bytes / 8 + 1),
            6 => Fate::Slow(Duration::from_millis(self.below(15))),
            _ => Fate::Trickle,
        }
    }
}
