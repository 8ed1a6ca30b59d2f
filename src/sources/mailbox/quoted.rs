//! What somebody wrote themselves: a mail without what it quotes and without its signature, as mail programs in
//! English, Spanish, Portuguese and Danish put them there. When nothing would be left, the whole text is.

use std::sync::LazyLock;

use regex::Regex;

/// Lines that a signature has at most after "Best regards".
const MAX_SIGNATURE: usize = 10;
/// Longest line of a signature, in bytes.
const MAX_SIGNATURE_LINE: usize = 120;
/// Lines over which "On … wrote:" may be wrapped.
const MAX_WRAPPED: usize = 4;
/// Longest line that is looked at for such words, in bytes.
const MAX_LINE: usize = 1000;

/// "On Fri, 6 Mar 2026 at 17:50, Ana <ana@example.com> wrote:" and its sisters.
static ATTRIBUTION: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?xi)^\s*(?:
            (?:on|el|em|no\ dia|den|d\.|le|am)\s.{4,300}?\s(?:wrote|escribió|escribio|escreveu|skrev)\b.{0,200}:
          | .{1,200}(?:<[^<>]*@[^<>]*>|\d{1,2}[:.]\d{2}).{0,60}\s(?:wrote|escribió|escribio|escreveu|skrev)\b.{0,120}:
          | \d{4}-\d{2}-\d{2}\s\d{1,2}:\d{2}.{0,60}<[^<>]*@[^<>]*>:
        )\s*$",
    )
});

/// The line over a mail that is quoted whole.
static ORIGINAL: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?xi)^\s*[-_–—*]{2,}\s*(?:
            original\ (?:message|e-?mail) | reply\ message | mensaje\ original | correo\ original | mensagem\ original
          | e-?mail\ original | oprindelig\ (?:meddelelse|mail|besked) | den\ oprindelige\ (?:meddelelse|mail)
        )\s*[-_–—*]{2,}\s*$",
    )
});

/// The first line of a quoted mail's head: "From: Ana", followed by more of it.
static HEAD_FROM: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?i)^\s*\*?(?:from|de|fra|från|von)\s?:\*?\s+\S"));
static HEAD_MORE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)^\s*\*?(?:sent|date|to|subject|enviado(?: el| em)?|enviada(?: em)?|fecha|data|para|asunto|assunto|sendt|dato|til|emne)\s?:\*?\s",
    )
});

/// What a telephone puts under a mail.
static DEVICE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?xi)^\s*(?:
            sent\ (?:from|via|with)\ (?:my\ |outlook|yahoo|gmail|mail|samsung|proton|a\ mobile).{0,80}
          | enviado\ (?:desde|do|a\ partir|con|com|via|pelo)\ .{2,80}
          | enviada\ do\ .{2,80}
          | sendt\ (?:fra|via|med)\ (?:min\ |mit\ |outlook|yahoo|gmail|mail|samsung|proton).{0,80}
          | (?:get|obtener|obter|obtenga|hent|få)\ (?:o\ )?outlook\ (?:for|para|til)\ .{1,40}
        )$",
    )
});

/// A line that is nothing but a greeting at the end of a letter.
static CLOSING: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?xi)^\s*(?:
            (?:(?:with\ )?(?:best|kind|warm|many)\ (?:regards|wishes|thanks)|regards|kind\ regards|best|cheers|yours\ (?:sincerely|faithfully|truly)|sincerely(?:\ yours)?|thanks(?:\ and\ regards)?|thank\ you|br)
          | (?:un\ (?:cordial\ )?saludo(?:\ cordial)?|(?:muchos\ )?saludos(?:\ cordiales)?|cordiales\ saludos|saludos\ y\ gracias|atentamente|atte\.?|cordialmente|un\ abrazo|gracias(?:\ y\ (?:un\ )?saludos?)?|muchas\ gracias)
          | (?:(?:com\ os\ )?(?:melhores\ |meus\ )?cumprimentos|atenciosamente|att\.?|atentamente|abraços?|um\ abraço|obrigad[oa]|muito\ obrigad[oa]|grat[oa])
          | (?:(?:med\ )?(?:de\ )?(?:venlig(?:e|st)?|bedste|kærlig(?:e)?|mange)\ hilsen(?:er)?|(?:de\ )?(?:bedste|venlige|mange)\ hilsner|hilsen|mvh\.?|v\.?h\.?|vh|dbh|kh|hilsner|på\ forhånd\ tak|tak)
        )\s*[,.!\-–—]*\s*$",
    )
});

#[expect(clippy::expect_used, reason = "the patterns are constants, so a test finds out")]
fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a built-in pattern")
}

/// Where HTML mail begins to quote: the marks of mail programs, lower case.
const QUOTES_IN_HTML: [&str; 11] = [
    "class=\"gmail_quote",
    "class=gmail_quote",
    "class=\"gmail_attr",
    "class=\"moz-cite-prefix",
    "<blockquote type=\"cite",
    "<blockquote type=cite",
    "class=\"yahoo_quoted",
    "id=\"divrplyfwdmsg",
    "id=\"appendonsend",
    "class=\"protonmail_quote",
    "id=\"mail-editor-reference-message-container",
];

/// The HTML up to where it begins to quote; all of it if there is no such place.
pub fn unquoted_html(html: &str) -> &str {
    let lower = html.to_ascii_lowercase();
    let first = QUOTES_IN_HTML.iter().filter_map(|mark| lower.find(mark)).min();
    // The mark may stand inside a tag: that tag goes too.
    let first = first.map(|at| if lower[at..].starts_with('<') { at } else { lower[..at].rfind('<').unwrap_or(at) });
    first.and_then(|at| html.get(..at)).unwrap_or(html)
}

/// The text without quotes and signature.
pub fn own_words(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let kept = without_quotes(&lines);
    let kept = &kept[..end_of_words(&kept)];
    let own = kept.join("\n").trim().to_owned();
    if own.is_empty() { text.trim().to_owned() } else { own }
}

fn without_quotes<'t>(lines: &[&'t str]) -> Vec<&'t str> {
    let mut kept: Vec<&str> = Vec::with_capacity(lines.len());
    let mut at = 0;
    while let Some(line) = lines.get(at) {
        if is_quoted(line) {
            at += 1;
            continue;
        }
        if let Some(after) = attribution(lines, at) {
            // What is quoted below may be answered below: quoted lines go, the answers stay. Without marks on its lines
            // the quote goes to the end.
            let marked = lines.iter().skip(after).find(|l| !l.trim().is_empty()).is_some_and(|l| is_quoted(l));
            if !marked {
                break;
            }
            at = after;
            continue;
        }
        if line.len() <= MAX_LINE && (ORIGINAL.is_match(line) || is_head(lines, at)) {
            break;
        }
        kept.push(line);
        at += 1;
    }
    // A rule over the quoted head, as Outlook draws it.
    while kept.last().is_some_and(|l| l.trim().is_empty() || l.trim().bytes().all(|b| b == b'_')) {
        kept.pop();
    }
    kept
}

fn is_quoted(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with('>') && !line.starts_with(">>>>>>")
}

/// The line after "On … wrote:", if that begins here.
fn attribution(lines: &[&str], at: usize) -> Option<usize> {
    let first = lines.get(at)?;
    if first.trim().is_empty() || first.len() > MAX_LINE {
        return None;
    }
    let mut joined = String::new();
    for (count, line) in lines.iter().skip(at).take(MAX_WRAPPED).enumerate() {
        if line.trim().is_empty() || joined.len() + line.len() > MAX_LINE {
            return None;
        }
        joined.push(' ');
        joined.push_str(line.trim());
        if line.trim_end().ends_with(':') {
            return ATTRIBUTION.is_match(joined.trim()).then_some(at + count + 1);
        }
    }
    None
}

/// Whether the head of a quoted mail begins here: "From:", and two more of its lines close by.
fn is_head(lines: &[&str], at: usize) -> bool {
    let looks = |line: &&&str| line.len() <= MAX_LINE && HEAD_MORE.is_match(line);
    lines.get(at).is_some_and(|line| HEAD_FROM.is_match(line))
        && lines.iter().skip(at + 1).take(6).filter(looks).count() >= 2
}

/// The number of lines before the signature.
fn end_of_words(lines: &[&str]) -> usize {
    let mut end = lines.len();
    // RFC 3676, 4.3: `-- ` alone on a line.
    if let Some(at) = lines.iter().rposition(|l| matches!(*l, "-- " | "--" | "—"))
        && lines[..at].iter().any(|l| !l.trim().is_empty())
    {
        end = at;
    }
    let short = |line: &&&str| line.len() <= MAX_SIGNATURE_LINE;
    if let Some(at) = lines[..end].iter().rposition(|l| l.len() <= MAX_LINE && DEVICE.is_match(l))
        && end - at <= 4
    {
        end = at;
    }
    let from = end.saturating_sub(MAX_SIGNATURE + 1);
    let closing = (from.max(1)..end).find(|at| lines.get(*at).is_some_and(|l| l.len() <= 60 && CLOSING.is_match(l)));
    if let Some(at) = closing
        && lines[..at].iter().any(|l| !l.trim().is_empty())
        && lines[at..end].iter().filter(short).count() == end - at
        && !lines[at..end].iter().any(|l| is_postscript(l))
    {
        end = at;
    }
    while end > 0 && lines[end - 1].trim().is_empty() {
        end -= 1;
    }
    end
}

fn is_postscript(line: &str) -> bool {
    let line = line.trim_start().to_lowercase();
    ["ps", "p.s", "pd:", "p.d"].iter().any(|start| line.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_and_signatures_of_four_languages_go() {
        for (text, own) in [
            (
                "It is still broken.\n\nOn Fri, 6 Mar 2026 at 17:50, Ana Ruiz <ana@example.com> wrote:\n> We are sorry.\n> Ana",
                "It is still broken.",
            ),
            (
                "It is still broken.\n\nOn Fri, 6 Mar 2026 at 17:50, Ana Ruiz\n<ana@example.com> wrote:\n\n> We are sorry.",
                "It is still broken.",
            ),
            (
                "Sigue roto.\n\nEl vie, 6 mar 2026 a las 17:50, Ana Ruiz (<ana@example.com>) escribió:\n> Lo sentimos",
                "Sigue roto.",
            ),
            (
                "Continua avariada.\n\nEm sex., 6 de mar. de 2026 às 17:50, Ana <ana@example.com> escreveu:\n\nLamentamos.",
                "Continua avariada.",
            ),
            (
                "Den virker stadig ikke.\n\nDen fre. 6. mar. 2026 kl. 17.50 skrev Ana Ruiz <ana@example.com>:\n\n> Beklager",
                "Den virker stadig ikke.",
            ),
            ("Gracias.\nFunciona.\n\n-----Mensaje original-----\nDe: Ana\nEnviado: viernes", "Gracias.\nFunciona."),
            (
                "Tak, det virker nu\n\n________________________________\nFra: Ana <ana@example.com>\nSendt: 6. marts 2026 17:50\nTil: Jens\nEmne: SV: x\n\nBeklager",
                "Tak, det virker nu",
            ),
            ("Merci\n\nFrom: Ana <ana@example.com>\nSent: Friday\nTo: Jens\nSubject: RE: x\n\nSorry", "Merci"),
            ("It is broken\n-- \nJens Hansen\n+45 12 34 56 78", "It is broken"),
            ("It is broken.\n\nBest regards,\nJens Hansen\nMain Street 1", "It is broken."),
            ("No funciona.\n\nUn saludo,\nJuan", "No funciona."),
            ("Não funciona\n\nCom os melhores cumprimentos\nJoão Silva", "Não funciona"),
            ("Den er gået i stykker.\n\nMed venlig hilsen\nJens", "Den er gået i stykker."),
            ("Broken again\n\nSent from my iPhone", "Broken again"),
            ("No va\n\nEnviado desde mi iPhone", "No va"),
            ("Não vai\n\nEnviado do meu iPhone", "Não vai"),
            ("Virker ikke\n\nSendt fra min iPhone", "Virker ikke"),
            ("> Did you try it?\nYes, twice.\n> And then?\nIt burned.", "Yes, twice.\nIt burned."),
            ("On Fri, 6 Mar 2026, Ana <ana@example.com> wrote:\n> Did you try it?\nYes, twice.", "Yes, twice."),
        ] {
            assert_eq!(own_words(text), own, "{text}");
        }
    }

    #[test]
    fn what_only_looks_like_them_stays() {
        for text in [
            "On Monday I wrote to you about the toaster.\nNothing happened.",
            "Thanks\nfor nothing. It broke again, and I have had enough of this, because nobody ever answers me at all, whatever I write to you people.",
            "From the start it was broken.\nI sent it back.",
            "Best regards,\nJens",
            "Here is the list:\n1. it smokes\n2. it smells",
            "It broke.\n\nThanks,\nJens\n\nPS: it also smokes now.",
            "> only a quote",
            "",
        ] {
            assert_eq!(own_words(text), text.trim(), "{text}");
        }
    }

    #[test]
    fn html_is_cut_where_it_quotes() {
        let html = "<div>Still broken</div><br><div class=\"gmail_quote\"><div>On … wrote:</div><blockquote>Sorry";
        assert_eq!(unquoted_html(html), "<div>Still broken</div><br>");
        assert_eq!(unquoted_html("<p>Yes<blockquote type=\"cite\">x"), "<p>Yes");
        assert_eq!(unquoted_html("<p>Yes"), "<p>Yes");
    }

    #[test]
    fn hostile_texts_take_linear_time() {
        let took = crate::clock::cost(|| {
            for text in ["On x ", "From: x\n", "> ", "\n", "-- \n", "On a\n", "El x escribió", "Best\n", "a@b> "] {
                own_words(&text.repeat(200_000 / text.len()));
            }
        });
        assert!(took.as_secs() < 10, "{took:?}");
    }

    proptest::proptest! {
        #[test]
        fn it_never_adds_words(text in "(?s).{0,300}") {
            let own = own_words(&text);
            proptest::prop_assert!(own.len() <= text.len());
        }
    }
}
