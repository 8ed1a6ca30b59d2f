//! Mail that nobody wrote, or that we wrote ourselves: it is left alone (RFC 3834, 2).

use super::mime::Mail;

/// Why a mail is no entry and gets no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Machine {
    /// A report that a mail could not be delivered.
    Bounce,
    /// Somebody's absence, or a receipt.
    AutoReply,
    /// mentiond's own mail.
    Own,
}

impl Machine {
    /// For the log.
    pub fn as_str(self) -> &'static str {
        match self {
            Machine::Bounce => "bounce",
            Machine::AutoReply => "auto-reply",
            Machine::Own => "own mail",
        }
    }
}

/// Beginnings of subjects that programs give to answers of their own, in the languages that mentiond speaks. Old ones
/// send no header that says so.
const ABSENT: [&str; 18] = [
    "automatic reply:",
    "auto reply:",
    "auto-reply:",
    "autoreply:",
    "out of office:",
    "out of office autoreply",
    "respuesta automática:",
    "respuesta automatica:",
    "fuera de la oficina",
    "resposta automática:",
    "resposta automatica:",
    "ausência temporária",
    "fora do escritório",
    "autosvar:",
    "automatisk svar:",
    "automatisk svar ",
    "ikke til stede:",
    "fraværsbesked",
];

/// Local parts that programs send reports from.
const REPORTERS: [&str; 3] = ["mailer-daemon", "postmaster", "mail-daemon"];

/// What kind of machine's mail it is, if it is one. `own` is the address that mentiond writes from. `programs`: mail that
/// a program made is what this mailbox is for (alerts, lists), but answers of programs are not.
pub fn machine(mail: &Mail, own: &str, programs: bool) -> Option<Machine> {
    let from = mail.from.as_ref().map(|p| p.email.to_lowercase()).unwrap_or_default();
    if mail.mark("x-mentiond-kind").is_some() || (!own.is_empty() && from == own.to_lowercase()) {
        return Some(Machine::Own);
    }
    let local = from.split('@').next().unwrap_or_default();
    if mail.report || mail.null_sender || mail.mark("x-failed-recipients").is_some() || REPORTERS.contains(&local) {
        return Some(Machine::Bounce);
    }
    let submitted = mail.mark("auto-submitted").map(|v| v.split(';').next().unwrap_or_default().trim().to_lowercase());
    let replied = match submitted.as_deref() {
        None | Some("no" | "") => false,
        Some("auto-generated" | "auto-notified") => !programs,
        Some(_) => true,
    };
    let precedence = mail.mark("precedence").map(str::to_lowercase).unwrap_or_default();
    let answered = ["x-autoreply", "x-autorespond", "x-autoreply-from"].iter().any(|name| mail.mark(name).is_some())
        || matches!(precedence.as_str(), "auto_reply" | "auto-reply")
        || (precedence == "junk" && !programs);
    let subject = mail.subject.trim_start().to_lowercase();
    let absent = ABSENT.iter().any(|start| subject.starts_with(start));
    (replied || answered || absent).then_some(Machine::AutoReply)
}

#[cfg(test)]
mod tests {
    use super::super::mime;
    use super::*;

    fn judged(head: &str, programs: bool) -> Option<Machine> {
        let data = format!("From: Ana <ana@example.net>\r\n{head}\r\n\r\nHello\r\n");
        machine(&mime::read(data.as_bytes()), "mentions@example.com", programs)
    }

    #[test]
    fn hazard_32_bounces_auto_replies_and_own_mail_are_told_from_mail() {
        for (head, alone, with_programs) in [
            ("Subject: My toaster", None, None),
            ("Auto-Submitted: no", None, None),
            ("Auto-Submitted: auto-replied", Some(Machine::AutoReply), Some(Machine::AutoReply)),
            ("Auto-Submitted: auto-replied (vacation)", Some(Machine::AutoReply), Some(Machine::AutoReply)),
            ("Auto-Submitted: auto-generated", Some(Machine::AutoReply), None),
            ("AUTO-SUBMITTED: Auto-Generated; type=x", Some(Machine::AutoReply), None),
            ("Precedence: auto_reply", Some(Machine::AutoReply), Some(Machine::AutoReply)),
            ("Precedence: list", None, None),
            ("X-Autoreply: yes", Some(Machine::AutoReply), Some(Machine::AutoReply)),
            ("Subject: Automatic reply: My toaster", Some(Machine::AutoReply), Some(Machine::AutoReply)),
            (
                "Subject: =?utf-8?Q?Respuesta_autom=C3=A1tica=3A_hola?=",
                Some(Machine::AutoReply),
                Some(Machine::AutoReply),
            ),
            ("Subject: Autosvar: hej", Some(Machine::AutoReply), Some(Machine::AutoReply)),
            ("Subject: Why do I get an automatic reply: answer me", None, None),
            ("Return-Path: <>", Some(Machine::Bounce), Some(Machine::Bounce)),
            ("Content-Type: multipart/report; boundary=b", Some(Machine::Bounce), Some(Machine::Bounce)),
            ("X-Failed-Recipients: a@example.org", Some(Machine::Bounce), Some(Machine::Bounce)),
            ("X-Mentiond-Kind: notice", Some(Machine::Own), Some(Machine::Own)),
        ] {
            assert_eq!((judged(head, false), judged(head, true)), (alone, with_programs), "{head}");
        }
        let own = mime::read(b"From: Mentions <MENTIONS@example.com>\r\n\r\nx");
        assert_eq!(machine(&own, "mentions@example.com", true), Some(Machine::Own));
        let daemon = mime::read(b"From: MAILER-DAEMON@mx.example.org\r\n\r\nx");
        assert_eq!(machine(&daemon, "mentions@example.com", true), Some(Machine::Bounce));
    }
}
