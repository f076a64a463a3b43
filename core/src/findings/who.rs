//! Who answers, as far as the answer tells.

use alloc::format;
use alloc::string::String;

use crate::answer::{FieldName, HttpAnswer};
use crate::well_known::printable;

impl HttpAnswer {
    /// The status and what it means, such as `502 (bad gateway: a proxy, and nothing behind it answers)`
    #[must_use]
    pub fn in_words(&self) -> String {
        match status_in_words(self.status) {
            Some(words) => format!("{} ({words})", self.status),
            None => format!("{}", self.status),
        }
    }

    /// What to do where a server, or a proxy before it, has failed: of a status of 500 and above
    #[must_use]
    pub fn remedy(&self) -> Option<&'static str> {
        Some(match self.status {
            500 => "look at the logs of the server, and of the proxy before it",
            502..=504 => {
                "start the server behind that proxy, or correct the address at which the proxy looks for it"
            }
            521..=523 => {
                "start the server behind Cloudflare, and let Cloudflare in through its firewall, at the address and port that are set there"
            }
            525 => {
                "have the server behind Cloudflare speak TLS for this name, with a certificate (of Let's Encrypt, or of Cloudflare for origins)"
            }
            526 => {
                "give the server behind Cloudflare a certificate that Cloudflare accepts: of a public authority, or of its own for origins"
            }
            530 if self.says("1033") => {
                "start cloudflared where the server is, with the tunnel that this name is routed to: it is not connected"
            }
            530 => {
                "correct the name or address of the server behind Cloudflare that is set there: it is not in DNS"
            }
            501..=599 => "look at what answers there, and at the logs of the server behind it",
            _ => return None,
        })
    }

    /// Whether the body, as far as there is one, has these words in it
    #[must_use]
    pub fn says(&self, words: &str) -> bool {
        let mut windows = self.body.windows(words.len().max(1));
        windows.any(|window| window == words.as_bytes())
    }

    /// Whether it is a page that asks a browser to prove that it is one, as Cloudflare has it
    #[must_use]
    pub fn is_challenge(&self) -> bool {
        let is_refusal = matches!(self.status, 403 | 429 | 503);
        is_refusal && title(&self.body).is_some_and(|title| title.starts_with(b"Just a moment"))
    }

    /// Who says so, in brackets, to be put behind what is said: the `Server` field, and the title of a page or the beginning of
    /// another body
    ///
    /// ```
    /// # use fedway_core::{FieldName, HttpAnswer};
    /// let mut answer = HttpAnswer::status(403).with(FieldName::Server, "cloudflare");
    /// answer.body = b"<html><head>\n<title>Just a moment...</title>".to_vec();
    /// assert_eq!(answer.who(), " (Server: cloudflare, the page \"Just a moment...\")");
    /// assert_eq!(HttpAnswer::status(404).who(), "");
    /// ```
    #[must_use]
    pub fn who(&self) -> String {
        let server = self.values(FieldName::Server).next();
        let server = server.map(|it| format!("Server: {}", start(it)));
        let says = match title(&self.body) {
            Some(title) => format!("the page \"{}\"", start(title)),
            None => start(&self.body),
        };
        match (server, &*says) {
            (None, "") => String::new(),
            (Some(server), "") => format!(" ({server})"),
            (None, says) => format!(" ({says})"),
            (Some(server), says) => format!(" ({server}, {says})"),
        }
    }
}

/// What a status of HTTP means to whoever runs the server, where it means something
pub(super) fn status_in_words(status: u16) -> Option<&'static str> {
    Some(match status {
        401 => "unauthorized: it wants a log-in",
        403 => "forbidden: it refuses everybody, or this address",
        421 => "misdirected: it does not know this name",
        429 => "too many requests",
        500 => "an error of its own",
        502 => "bad gateway: a proxy, and nothing behind it answers",
        503 => "unavailable: it is down, or a proxy without a server behind it",
        504 => "gateway time-out: a proxy, and nothing behind it answers in time",
        // https://developers.cloudflare.com/support/troubleshooting/http-status-codes/cloudflare-5xx-errors/
        520 => "Cloudflare does not understand what the server behind it answers",
        521 => "Cloudflare: the server behind it refuses connections",
        522 => "Cloudflare: the server behind it does not answer, or a firewall drops everything",
        523 => "Cloudflare: there is no way to the server behind it",
        524 => "Cloudflare: the server behind it takes too long",
        525 => "Cloudflare: the server behind it does not speak TLS with it",
        526 => "Cloudflare does not accept the certificate of the server behind it",
        530 => "Cloudflare: the server behind it is not to be found",
        _ => return None,
    })
}

/// The title of a page in HTML
fn title(body: &[u8]) -> Option<&[u8]> {
    let find = |text: &[u8], tag: &[u8]| {
        let mut windows = text.windows(tag.len());
        windows.position(|window| window.eq_ignore_ascii_case(tag))
    };
    let from = find(body, b"<title>")? + b"<title>".len();
    let rest = body.get(from..)?;
    let title = rest.get(..find(rest, b"</title>")?)?.trim_ascii();
    (!title.is_empty()).then_some(title)
}

/// The beginning of a text, in one line
fn start(text: &[u8]) -> String {
    let mut words = String::new();
    for word in text.split(u8::is_ascii_whitespace) {
        if words.len() >= MAX_START {
            break;
        }
        if !word.is_empty() && !words.is_empty() {
            words.push(' ');
        }
        // A word may be a whole page
        words += &printable(word.get(..=MAX_START).unwrap_or(word));
    }
    match words.char_indices().nth(MAX_START) {
        Some((end, _)) => format!("{}…", words.get(..end).unwrap_or_default()),
        None => words,
    }
}

/// As much of a stranger's words as tells who it is; our choice
const MAX_START: usize = 80;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_answers_is_told_in_one_short_line() {
        let who = |body: &str| {
            let mut answer = HttpAnswer::status(404);
            answer.body = body.into();
            answer.who()
        };
        assert_eq!(
            who("<HTML>\n<TITLE>\n 404 \n found</Title>"),
            " (the page \"404 found\")"
        );
        assert_eq!(who("<p>\n\tno  title</p>"), " (<p> no title</p>)");
        assert_eq!(who("<title> </title>"), " (<title> </title>)");
        assert_eq!(who(" \r\n"), "");
        let long = who(&"a".repeat(100_000));
        assert_eq!(long.chars().count(), MAX_START + 4);
        assert!(long.ends_with("…)"), "{long}");
        let hostile = who(&"\u{1b}\u{202e}\u{0} ".repeat(50));
        assert!(
            hostile
                .chars()
                .all(|it| !it.is_control() && it != '\u{202e}')
        );
    }
}
