//! Services that mentiond knows: one table each, in the same words as an operator's own (`kind = "json"`). A new one is a
//! file here and a line in [`ALL`].

/// A service that is described by a file of this folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preset {
    /// The `kind`.
    pub word: &'static str,
    /// TOML: each table in it is one way to ask the service, chosen by what the operator's table has.
    pub text: &'static str,
}

/// All of them.
pub const ALL: [Preset; 13] = [
    Preset { word: "appstore", text: include_str!("appstore.toml") },
    Preset { word: "bluesky", text: include_str!("bluesky.toml") },
    Preset { word: "discourse", text: include_str!("discourse.toml") },
    Preset { word: "gdelt", text: include_str!("gdelt.toml") },
    Preset { word: "github", text: include_str!("github.toml") },
    Preset { word: "googlenews", text: include_str!("googlenews.toml") },
    Preset { word: "hackernews", text: include_str!("hackernews.toml") },
    Preset { word: "lemmy", text: include_str!("lemmy.toml") },
    Preset { word: "mastodon", text: include_str!("mastodon.toml") },
    Preset { word: "reddit", text: include_str!("reddit.toml") },
    Preset { word: "stackexchange", text: include_str!("stackexchange.toml") },
    Preset { word: "x", text: include_str!("x.toml") },
    Preset { word: "youtube", text: include_str!("youtube.toml") },
];
