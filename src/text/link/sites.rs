//! Large sites that show one post at several addresses. Only what the site itself treats as one: its documentation or
//! its own canonical link says so.

use std::borrow::Cow;

use url::Url;

/// Hosts that are another name of a site.
const ALIASES: [(&str, &str); 18] = [
    ("twitter.com", "x.com"),
    ("nitter.net", "x.com"),
    ("fxtwitter.com", "x.com"),
    ("vxtwitter.com", "x.com"),
    ("old.reddit.com", "reddit.com"),
    ("new.reddit.com", "reddit.com"),
    ("np.reddit.com", "reddit.com"),
    ("i.reddit.com", "reddit.com"),
    ("mbasic.facebook.com", "facebook.com"),
    ("touch.facebook.com", "facebook.com"),
    ("web.facebook.com", "facebook.com"),
    ("fb.com", "facebook.com"),
    ("youtube-nocookie.com", "youtube.com"),
    ("music.youtube.com", "youtube.com"),
    ("threads.com", "threads.net"),
    ("instagr.am", "instagram.com"),
    ("edition.cnn.com", "cnn.com"),
    ("us.cnn.com", "cnn.com"),
];

/// The one name of a host.
pub(super) fn host(host: &str) -> Cow<'_, str> {
    if let Some((_, name)) = ALIASES.iter().find(|(alias, _)| *alias == host) {
        return Cow::Borrowed(name);
    }
    // Blogger redirects each reader to the name of their country.
    if let Some((blog, country)) = host.split_once(".blogspot.")
        && !blog.contains('.')
        && country.len() <= 6
    {
        return Cow::Owned(format!("{blog}.blogspot.com"));
    }
    Cow::Borrowed(host)
}

/// The key of a post that has more than one address, without its parameters.
pub(super) fn post(host: &str, url: &Url) -> Option<String> {
    let path: Vec<&str> = url.path().split('/').filter(|s| !s.is_empty()).collect();
    let parameter =
        |name: &str| url.query_pairs().find(|(k, v)| k == name && !v.is_empty()).map(|(_, v)| v.into_owned());
    match (host, path.as_slice()) {
        // The number alone decides, whoever's name stands before it.
        ("x.com", [_, "status" | "statuses", id, ..]) | ("x.com", ["i", "web", "status", id, ..]) if is_number(id) => {
            Some(format!("x.com/status/{id}"))
        }
        ("youtu.be", [id, ..]) | ("youtube.com", ["shorts" | "embed" | "live" | "v", id, ..])
            if parameter("lc").is_none() =>
        {
            Some(format!("youtube.com/watch?v={id}"))
        }
        ("youtube.com", ["watch"]) => {
            let video = parameter("v")?;
            // A comment on the video is somebody's own post.
            Some(match parameter("lc") {
                Some(comment) => format!("youtube.com/watch?v={video}&lc={comment}"),
                None => format!("youtube.com/watch?v={video}"),
            })
        }
        ("reddit.com", ["r", _, "comments", id, _, comment, ..] | ["comments", id, comment]) => {
            Some(format!("reddit.com/comments/{id}/{comment}"))
        }
        ("reddit.com", ["r", _, "comments", id, ..] | ["comments", id, ..]) | ("redd.it", [id]) => {
            Some(format!("reddit.com/comments/{id}"))
        }
        ("facebook.com", ["permalink.php" | "story.php"]) => {
            let (post, page) = (parameter("story_fbid")?, parameter("id")?);
            let comment = parameter("comment_id").map(|c| format!("?comment_id={c}")).unwrap_or_default();
            Some(format!("facebook.com/{page}/posts/{post}{comment}"))
        }
        (host, path) if super::redirector::is_at(host, "amazon.") => {
            let at = path.iter().position(|s| *s == "dp" || *s == "product")?;
            let asin = path.get(at + 1).filter(|s| s.len() == 10 && s.bytes().all(|b| b.is_ascii_alphanumeric()))?;
            // Only the product's own page; its reviews are other pages.
            (at == 0 || path[at - 1] != "product-reviews").then(|| format!("{host}/dp/{}", asin.to_ascii_uppercase()))
        }
        (
            "news.google.com",
            ["rss", "articles", id] | ["articles" | "read", id] | ["__i", "rss", "rd", "articles", id],
        ) => Some(format!("news.google.com/articles/{id}")),
        (
            "stackoverflow.com" | "askubuntu.com" | "serverfault.com" | "superuser.com",
            ["questions" | "q", id, rest @ ..],
        ) if is_number(id) && !rest.last().is_some_and(|last| rest.len() > 1 && is_number(last)) => {
            Some(format!("{host}/q/{id}"))
        }
        _ => None,
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}
