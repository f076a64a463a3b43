//! The HTTP exchange against the responses a server, or someone posing as one, can send.
//!
//! Every response is fed whole, byte by byte and in 16 random cuts, and must come out the same.

use fedway_core::{Limits, MalformedResponse as Reason};
use fedway_driver::http::{Ending, Exchange, HttpError, Response};
use proptest::prelude::*;

// The request

#[test]
fn the_request_is_these_bytes() {
    let exchange = Exchange::get("example.org:8448", "/a?b=c", Limits::default()).unwrap();
    let version = env!("CARGO_PKG_VERSION");
    let expected = format!(
        "GET /a?b=c HTTP/1.1\r\nHost: example.org:8448\r\nAccept: application/json\r\n\
         Accept-Encoding: identity\r\nUser-Agent: fedway/{version}\r\nConnection: close\r\n\r\n"
    );
    assert_eq!(exchange.request(), expected.as_bytes());
}

#[test]
fn no_host_or_target_can_add_to_the_request() {
    for byte in (0..=b' ')
        .chain([0x7f])
        .map(char::from)
        .chain(['\u{85}', '\u{a0}', 'é', '\u{2028}'])
    {
        let host = Exchange::get(&format!("a{byte}b"), "/", Limits::default());
        assert_eq!(host.unwrap_err(), HttpError::InvalidHost, "{byte:?}");
        let target = Exchange::get("a", &format!("/a{byte}b"), Limits::default());
        assert_eq!(target.unwrap_err(), HttpError::InvalidTarget, "{byte:?}");
    }
    assert_eq!(
        Exchange::get("", "/", Limits::default()).unwrap_err(),
        HttpError::InvalidHost
    );
    for target in ["", "a", "*", "https://a/", "/a#b"] {
        let exchange = Exchange::get("a", target, Limits::default());
        assert_eq!(exchange.unwrap_err(), HttpError::InvalidTarget, "{target}");
    }
}

// Bodies and their ends

#[test]
fn a_body_of_a_known_length_is_read_to_that_length() {
    let response =
        read("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}");
    let response = response.unwrap().unwrap();
    assert_eq!(response.status, 200);
    assert_eq!(response.body, b"{}");
    let headers = [("content-type", "text/plain"), ("content-length", "2")];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()));
    assert_eq!(response.headers, headers);
}

#[test]
fn an_empty_body_is_complete_with_the_head() {
    assert_eq!(
        body("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
        Ok(Some("".into()))
    );
}

#[test]
fn headers_are_found_whatever_their_case_in_the_order_they_came() {
    let response =
        read("HTTP/1.1 404 -\r\nCache-CONTROL:  a \t\r\nX:\r\ncache-control: b\u{ff}\r\n\r\n");
    let response = response.unwrap().unwrap();
    assert_eq!(response.header("Cache-Control"), Some(&b"a"[..]));
    let values: Vec<_> = response.header_values("CACHE-control").collect();
    assert_eq!(values, [&b"a"[..], "b\u{ff}".as_bytes()]);
    assert_eq!(response.header("x"), Some(&b""[..]));
    assert_eq!(response.header("y"), None);
}

#[test]
fn chunks_are_joined_and_their_extensions_and_trailers_dropped() {
    let response = read(&chunked(
        "1\r\n{\r\n00A;a=b;c=\"d;e\"\r\n\"ab\":\"\r\n0\"\r\n1 \t;signature=0123456789abcdef\r\n}\r\n\
         1   \r\n\n\r\n000\r\nContent-Length: 1\r\nX: y\r\n\r\n",
    ));
    let response = response.unwrap().unwrap();
    assert_eq!(response.body, b"{\"ab\":\"\r\n0\"}\n");
    assert_eq!(response.header("x"), None);
}

#[test]
fn chunks_are_complete_only_with_the_line_end_after_the_trailer() {
    let input = chunked("2\r\n{}\r\n0\r\nX: y\r\n\r\n");
    for len in 0..input.len() {
        assert_eq!(
            outcome(&input.as_bytes()[..len], Stream::Clean),
            Err(HttpError::Truncated)
        );
    }
    assert_eq!(body(&input), Ok(Some("{}".into())));
}

#[test]
fn malformed_chunks_are_refused_at_the_byte_that_shows_it() {
    for (good, bad) in [
        ("", "\r"),
        ("", "\n"),
        ("", ";"),
        ("", " "),
        ("", "+"),
        ("", "-"),
        ("", "g"),
        ("0", "x"),
        ("2", "\n"),
        ("2\r", "\r"),
        ("2 ", "2"),
        ("2 ", "\n"),
        ("2;a", "\n"),
        ("2;a\r", "b"),
        ("2\r\n{}", "\n"),
        ("2\r\n{}", "2"),
        ("2\r\n{}\r", "\r"),
        ("2\r\n{}\r\n", "\r"),
        ("0\r\n", "\n"),
        ("0\r\n\r", "\r"),
        ("0\r\nX: y", "\n"),
        ("0\r\nX: y\r", "z"),
        ("0000000000000000", "0"),
    ] {
        assert_eq!(read(&chunked(good)), Ok(None), "{good:?}");
        let input = chunked(&format!("{good}{bad}"));
        assert_eq!(read(&input), malformed(Reason::Chunk), "{good:?} {bad:?}");
    }
}

#[test]
fn http_1_0_is_read_to_the_end_if_that_is_clean() {
    for head in [
        "HTTP/1.0 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n",
    ] {
        let input = format!("{head}<p>\r\n\r\n");
        assert_eq!(read(&input), Ok(None));
        let response = outcome(input.as_bytes(), Stream::Clean).unwrap().unwrap();
        assert_eq!(response.body, b"<p>\r\n\r\n");
        assert_eq!(response.ending, Ending::Announced);
        assert_eq!(
            outcome(input.as_bytes(), Stream::Unclean),
            Err(HttpError::Truncated)
        );
        let response = outcome(head.as_bytes(), Stream::Clean).unwrap().unwrap();
        assert_eq!(response.body, b"");
    }
}

#[test]
fn a_body_ended_without_close_notify_counts_if_it_is_a_whole_json_object() {
    let input = |body: &str| format!("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{body}");
    for body in [
        "{}",
        " \r\n{\"server\": {\"name\": \"}\", \"version\": \"1\"}}\n",
        "{\"m.server\": \"b.example:8443\", \"x\": [[{}], null, 1e3]}",
    ] {
        let response = outcome(input(body).as_bytes(), Stream::Unclean);
        let response = response.unwrap().unwrap();
        assert_eq!(
            (response.status, &response.body[..]),
            (200, body.as_bytes())
        );
        assert_eq!(response.ending, Ending::Cut);
        let end = body.trim_end().len();
        for len in 0..end {
            let cut = outcome(input(&body[..len]).as_bytes(), Stream::Unclean);
            assert_eq!(cut, Err(HttpError::Truncated), "{:?}", &body[..len]);
        }
    }
    // A number may have been longer; and what is no JSON has no last byte to know it by
    for body in [
        "",
        "12",
        "null",
        "[]",
        "\"{}\"",
        "{} {",
        "{}x",
        "{'a': 1}",
        "<p></p>",
        "\u{feff}{}",
    ] {
        let cut = outcome(input(body).as_bytes(), Stream::Unclean);
        assert_eq!(cut, Err(HttpError::Truncated), "{body}");
    }
}

#[test]
fn an_object_is_not_whole_where_its_framing_says_that_more_follows() {
    for input in [
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n",
    ] {
        let cut = outcome(input.as_bytes(), Stream::Unclean);
        assert_eq!(cut, Err(HttpError::Truncated), "{input:?}");
    }
}

#[test]
fn a_short_body_is_truncated_however_the_stream_ends() {
    for input in [
        "",
        "HTTP/1.",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{",
        "HTTP/1.1 103 Early Hints\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n",
    ] {
        assert_eq!(
            outcome(input.as_bytes(), Stream::Clean),
            Err(HttpError::Truncated)
        );
        assert_eq!(
            outcome(input.as_bytes(), Stream::Unclean),
            Err(HttpError::Truncated)
        );
    }
}

#[test]
fn bytes_after_the_body_are_ignored() {
    assert_eq!(
        body("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}junk"),
        Ok(Some("{}".into()))
    );
    assert_eq!(
        body(&chunked("2\r\n{}\r\n0\r\n\r\nHTTP/1.1 200 OK")),
        Ok(Some("{}".into()))
    );
    assert_eq!(
        body("HTTP/1.1 404 -\r\n\r\nHTTP/1.1 200 OK"),
        Ok(Some("".into()))
    );
}

#[test]
fn an_exchange_gives_one_response_or_error_and_is_over() {
    let mut exchange = start(Limits::default());
    assert!(
        exchange
            .handle_input(b"HTTP/1.1 404 -\r\n\r\n")
            .unwrap()
            .is_some()
    );
    assert_eq!(exchange.handle_input(b""), Err(HttpError::Finished));
    assert_eq!(exchange.handle_end(true), Err(HttpError::Finished));
    let mut exchange = start(Limits::default());
    assert_eq!(exchange.handle_input(b"x"), malformed(Reason::NotHttp1));
    assert_eq!(exchange.handle_input(b"x"), Err(HttpError::Finished));
    assert_eq!(exchange.handle_end(true), Err(HttpError::Finished));
}

// Statuses

#[test]
fn a_status_other_than_200_is_complete_with_its_head() {
    for status in [201, 204, 206, 301, 304, 404, 410, 500, 599, 999] {
        for framing in [
            "",
            "Content-Length: 99999999999\r\n",
            "Transfer-Encoding: chunked\r\n",
            "Content-Encoding: gzip\r\n",
        ] {
            let input = format!("HTTP/1.1 {status} -\r\n{framing}\r\n");
            let response = read(&input).unwrap().unwrap();
            assert_eq!((response.status, response.body), (status, vec![]));
            assert_eq!(bytes_read(&input), input.len());
        }
    }
}

#[test]
fn a_redirect_gives_its_location() {
    let input = "HTTP/1.1 302 Found\r\nLocation: https://b/c\r\nContent-Length: 5\r\n\r\n<a>";
    let response = read(input).unwrap().unwrap();
    assert_eq!(response.status, 302);
    assert_eq!(response.header("location"), Some(&b"https://b/c"[..]));
    assert_eq!(response.body, b"");
}

#[test]
fn a_bot_wall_s_403_is_a_status_whatever_its_page_is() {
    let page = "<!DOCTYPE html><title>Just a moment...</title>";
    let input = format!(
        "HTTP/1.1 403 Forbidden\r\nContent-Type: text/html; charset=UTF-8\r\nServer: wall\r\n\
         Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n2e\r\n{page}\r\n0\r\n\r\n"
    );
    let response = read(&input).unwrap().unwrap();
    assert_eq!((response.status, response.body), (403, vec![]));
}

#[test]
fn of_a_body_that_is_not_read_what_came_with_the_head_says_who_has_answered() {
    for (framing, sent, begun) in [
        ("Content-Length: 9\r\n", "<html>", "<html>"),
        ("Content-Length: 6\r\n", "<html>HTTP/1.1", "<html>"),
        (
            "Transfer-Encoding: chunked\r\n",
            "3\r\n<ht\r\n4\r\nml",
            "<html",
        ),
        ("", "<html>", "<html>"),
        ("Content-Encoding: br\r\n", "\x1b", ""),
    ] {
        let input = format!("HTTP/1.1 502 -\r\n{framing}\r\n{sent}");
        let mut exchange = start(Limits::default());
        let response = exchange.handle_input(input.as_bytes()).unwrap().unwrap();
        assert_eq!((response.status, response.body), (502, vec![]));
        assert_eq!(exchange.begun(), begun.as_bytes(), "{framing}");
    }
}

#[test]
fn headers_sent_twice_are_kept_twice_in_their_order() {
    let input = "HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nDate: a\r\nAge: 1\r\n\
                 Cache-Control: no-cache\r\nExpires: 0\r\nContent-Type: text/html\r\n\
                 Location: /a\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n";
    let response = read(input).unwrap().unwrap();
    assert_eq!(
        headers(&response),
        [
            ("cache-control", "max-age=60"),
            ("date", "a"),
            ("age", "1"),
            ("cache-control", "no-cache"),
            ("expires", "0"),
            ("content-type", "text/html"),
            ("location", "/a"),
            ("location", "/b"),
            ("content-length", "0"),
        ]
    );
    let locations: Vec<_> = response.header_values("Location").collect();
    assert_eq!(locations, [b"/a", b"/b"]);
}

#[test]
fn interim_responses_are_dropped() {
    for interim in [
        "HTTP/1.1 100 Continue\r\n\r\n",
        "HTTP/1.1 100 Continue\r\nDate: x\r\n\r\n",
        "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nContent-Length: 9\r\n\r\n",
        "HTTP/1.1 102 -\r\nTransfer-Encoding: chunked\r\n\r\nHTTP/1.1 199 -\r\n\r\n",
    ] {
        let input = format!("{interim}HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{{}}");
        let response = read(&input).unwrap().unwrap();
        assert_eq!((response.status, response.headers.len()), (200, 1));
        assert_eq!(response.body, b"{}");
    }
}

#[test]
fn interim_responses_without_end_are_refused() {
    let input = "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(1 << 12);
    assert_eq!(read(&input), Err(HEAD_TOO_LARGE));
    assert_eq!(bytes_read(&input), MAX_HEAD + 1);
}

#[test]
fn a_switch_of_protocols_is_refused() {
    let input = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n";
    assert_eq!(read(input), malformed(Reason::SwitchedProtocols));
}

// Limits

#[test]
fn a_body_of_10_mb_is_refused_before_it_is_read() {
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 10000000\r\n\r\n";
    let input = format!("{head}{}", "x".repeat(10_000_000));
    assert_eq!(
        outcome_of(&[input.as_bytes()], Stream::Open),
        Err(BODY_TOO_LARGE)
    );
    assert_eq!(bytes_read(&input), head.len());
}

#[test]
fn a_chunk_over_the_limit_is_refused_at_the_digit_that_says_so() {
    for (good, bad) in [
        ("c80", "1"),
        ("c800", "0"),
        ("1\r\nx\r\nc80", "0"),
        ("00c800", "f"),
    ] {
        assert_eq!(read(&chunked(good)), Ok(None), "{good:?}");
        let input = chunked(&format!("{good}{bad}"));
        assert_eq!(read(&input), Err(BODY_TOO_LARGE), "{good:?} {bad:?}");
    }
}

#[test]
fn a_body_may_be_as_long_as_the_limit_and_no_longer() {
    let data = "x".repeat(MAX_BODY);
    let length = MAX_BODY;
    let known = |n: usize| format!("HTTP/1.1 200 OK\r\nContent-Length: {n}\r\n\r\n{data}");
    assert_eq!(body(&known(length)), Ok(Some(data.clone())));
    assert_eq!(body(&known(length + 1)), Err(BODY_TOO_LARGE));

    assert_eq!(
        body(&chunked(&format!("c800\r\n{data}\r\n0\r\n\r\n"))),
        Ok(Some(data.clone()))
    );
    assert_eq!(
        body(&chunked(&format!("c800\r\n{data}\r\n1"))),
        Err(BODY_TOO_LARGE)
    );

    let input = format!("HTTP/1.0 200 OK\r\n\r\n{data}");
    let response = outcome(input.as_bytes(), Stream::Clean).unwrap().unwrap();
    assert_eq!(response.body, data.as_bytes());
    assert_eq!(read(&format!("{input}x")), Err(BODY_TOO_LARGE));
}

#[test]
fn a_head_may_be_as_long_as_the_limit_and_no_longer() {
    let head = |len: usize| {
        let around = "HTTP/1.1 404 -\r\nA: \r\n\r\n".len();
        format!("HTTP/1.1 404 -\r\nA: {}\r\n\r\n", "b".repeat(len - around))
    };
    assert_eq!(body(&head(MAX_HEAD)), Ok(Some("".into())));
    assert_eq!(body(&head(MAX_HEAD + 1)), Err(HEAD_TOO_LARGE));
    let early = "HTTP/1.1 103 -\r\n\r\n";
    assert_eq!(
        body(&format!("{early}{}", head(MAX_HEAD - early.len()))),
        Ok(Some("".into()))
    );
    assert_eq!(
        body(&format!("{early}{}", head(MAX_HEAD - early.len() + 1))),
        Err(HEAD_TOO_LARGE)
    );
}

#[test]
fn a_header_of_2_mb_is_refused_at_the_limit() {
    let input = format!("HTTP/1.1 200 OK\r\nA: {}\r\n\r\n", "b".repeat(2_000_000));
    assert_eq!(
        outcome_of(&[input.as_bytes()], Stream::Open),
        Err(HEAD_TOO_LARGE)
    );
    assert_eq!(bytes_read(&input), MAX_HEAD + 1);
}

#[test]
fn five_thousand_headers_are_refused() {
    let input = format!("HTTP/1.1 200 OK\r\n{}\r\n", "A: b\r\n".repeat(5000));
    assert_eq!(read(&input), Err(HEAD_TOO_LARGE));
}

#[test]
fn as_many_headers_as_fit_the_head_are_kept() {
    let input = format!("HTTP/1.1 404 -\r\n{}\r\n", "A:\n".repeat(5000));
    assert!(input.len() < MAX_HEAD);
    assert_eq!(read(&input).unwrap().unwrap().headers.len(), 5000);
}

#[test]
fn chunk_extensions_and_trailers_count_as_head() {
    for start in ["2;", "2 ", "0\r\nX", "0\r\n"] {
        let fill = match start {
            "2 " => " ".repeat(20_000),
            "0\r\n" => "X: y\r\n".repeat(20_000),
            _ => "x".repeat(20_000),
        };
        assert_eq!(
            read(&chunked(&format!("{start}{fill}"))),
            Err(HEAD_TOO_LARGE),
            "{start:?}"
        );
    }
    assert_eq!(
        read(&chunked(&"1;x\r\na\r\n".repeat(10_000))),
        Err(HEAD_TOO_LARGE)
    );
    let plain = "1\r\na\r\n".repeat(20_000);
    assert_eq!(
        body(&chunked(&format!("{plain}0\r\n\r\n"))),
        Ok(Some("a".repeat(20_000)))
    );
}

#[test]
fn a_megabyte_in_single_bytes_costs_no_more_than_in_one_piece() {
    // quadratic work would be about 10^12 steps here, and not end
    let limits = limits(3 << 20, 2 << 20);
    let long = "x".repeat(1 << 20);
    let input = format!(
        "HTTP/1.1 200 OK\r\nA: {long}\r\nTransfer-Encoding: chunked\r\n\r\n\
         100000;{long}\r\n{long}\r\n0\r\n\r\n"
    );
    let mut exchange = start(limits);
    let response = input
        .as_bytes()
        .chunks(1)
        .find_map(|byte| exchange.handle_input(byte).unwrap());
    assert_eq!(response.unwrap().body.len(), long.len());
}

// Framing that does not add up

#[test]
fn content_lengths_that_agree_are_one() {
    for values in [
        "2\r\nContent-Length: 2",
        "2, 2",
        "2\r\ncontent-length:2 ,2",
        "2, 02",
    ] {
        let input = format!("HTTP/1.1 200 OK\r\nContent-Length: {values}\r\n\r\n{{}}");
        assert_eq!(body(&input), Ok(Some("{}".into())), "{values}");
    }
}

#[test]
fn content_lengths_that_differ_or_are_no_numbers_are_refused() {
    for (values, reason) in [
        ("2\r\nContent-Length: 3", Reason::ContentLengthConflict),
        ("2, 3", Reason::ContentLengthConflict),
        (
            "2\r\nX: y\r\nContent-Length: 2,3",
            Reason::ContentLengthConflict,
        ),
        ("+2", Reason::ContentLengthNumber),
        ("-2", Reason::ContentLengthNumber),
        ("2 2", Reason::ContentLengthNumber),
        ("0x2", Reason::ContentLengthNumber),
        ("2.0", Reason::ContentLengthNumber),
        ("", Reason::ContentLengthNumber),
        (",", Reason::ContentLengthNumber),
        ("2,", Reason::ContentLengthNumber),
        ("two", Reason::ContentLengthNumber),
        ("\u{662}", Reason::ContentLengthNumber),
    ] {
        let input = format!("HTTP/1.1 200 OK\r\nContent-Length: {values}\r\n\r\n{{}}");
        assert_eq!(body(&input), malformed(reason), "{values:?}");
    }
}

#[test]
fn numbers_beyond_counting_are_too_large() {
    for digits in [
        "18446744073709551615",
        "18446744073709551616",
        "99999999999999999999999999",
    ] {
        let input = format!("HTTP/1.1 200 OK\r\nContent-Length: {digits}\r\n\r\n");
        assert_eq!(body(&input), Err(BODY_TOO_LARGE));
    }
    for digits in [
        "ffffffffffffffff",
        "10000000000000000",
        "fffffffffffffffffffff",
    ] {
        assert_eq!(body(&chunked(digits)), Err(BODY_TOO_LARGE));
    }
}

#[test]
fn a_transfer_encoding_beside_a_content_length_is_refused() {
    for headers in [
        "Transfer-Encoding: chunked\r\nContent-Length: 2",
        "Content-Length: 12\r\nTransfer-Encoding: chunked",
        "Content-Length: 2\r\nTransfer-Encoding: identity",
    ] {
        let input = format!("HTTP/1.1 200 OK\r\n{headers}\r\n\r\n2\r\n{{}}\r\n0\r\n\r\n");
        assert_eq!(
            body(&input),
            malformed(Reason::TransferEncodingBesideLength)
        );
    }
}

#[test]
fn a_transfer_encoding_in_http_1_0_is_refused() {
    let input = "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n";
    assert_eq!(body(input), malformed(Reason::TransferEncodingInHttp10));
}

#[test]
fn a_transfer_encoding_other_than_chunked_is_refused() {
    for value in [
        "gzip",
        "gzip, chunked",
        "chunked, gzip",
        "chunked, chunked",
        "chunked\r\nTransfer-Encoding: chunked",
        "gzip\r\nTransfer-Encoding: chunked",
        "identity",
        "chunked;q=1",
        "xchunked",
        "\u{b}chunked",
        "",
    ] {
        let input = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: {value}\r\n\r\n0\r\n\r\n");
        let expected = if value.starts_with('\u{b}') {
            Reason::TransferEncodingLine
        } else {
            Reason::TransferCoding
        };
        assert_eq!(body(&input), malformed(expected), "{value:?}");
    }
    let input = "HTTP/1.1 200 OK\r\ntransfer-ENCODING:\tCHUNKED \r\n\r\n0\r\n\r\n";
    assert_eq!(body(input), Ok(Some("".into())));
}

#[test]
fn a_line_about_framing_that_breaks_the_grammar_is_refused() {
    for (line, reason) in [
        ("Content-Length : 2", Reason::ContentLengthLine),
        ("Content-Length\t: 2", Reason::ContentLengthLine),
        ("content-LENGTH :2", Reason::ContentLengthLine),
        ("Content-Length:\r\n 2", Reason::ContentLengthLine),
        ("Content-Length: 2\r\n 0", Reason::ContentLengthLine),
        ("Content-Length: 2\r\n ", Reason::ContentLengthLine),
        ("Content-Length: 2\u{1}", Reason::ContentLengthLine),
        ("Content-Length\u{1}: 2", Reason::ContentLengthLine),
        ("\"Content-Length\": 2", Reason::ContentLengthLine),
        ("\u{e9}Content-Length: 2", Reason::ContentLengthLine),
        ("Content-Length", Reason::ContentLengthLine),
        ("Content-Length 2", Reason::ContentLengthLine),
        (" Content-Length: 2", Reason::ContentLengthLine),
        ("X: y\r\n Content-Length: 2", Reason::ContentLengthLine),
        ("noise\r\n\tContent-Length: 2", Reason::ContentLengthLine),
        ("noise Content-Length: 2", Reason::ContentLengthLine),
        (
            "Content-Length: 2\r\nContent-Length : 2",
            Reason::ContentLengthLine,
        ),
        ("Transfer-Encoding : chunked", Reason::TransferEncodingLine),
        ("Transfer-Encoding:\n chunked", Reason::TransferEncodingLine),
        (
            "Transfer-Encoding: chunked\u{b}",
            Reason::TransferEncodingLine,
        ),
        (
            "X\u{1}Transfer-Encoding: chunked",
            Reason::TransferEncodingLine,
        ),
        (
            " Transfer-Encoding: chunked\r\nContent-Length: 2",
            Reason::TransferEncodingLine,
        ),
    ] {
        let input = format!("HTTP/1.1 200 OK\r\n{line}\r\n\r\n{{}}");
        assert_eq!(body(&input), malformed(reason), "{line:?}");
        // Without a body to read, it decides nothing
        let input = format!("HTTP/1.1 404 -\r\n{line}\r\n\r\n");
        assert_eq!(body(&input), Ok(Some(String::new())), "{line:?}");
    }
}

#[test]
fn a_header_that_is_only_named_like_one_about_framing_decides_nothing() {
    for line in [
        "X-Content-Length : 9",
        "Content-Length-Hint : 9",
        "X-Transfer-Encoding\u{1}: x",
        "X : Content-Length: 9",
        "Access-Control-Expose-Headers: Date,\r\n Content-Length, Transfer-Encoding",
    ] {
        let input = format!("HTTP/1.1 200 OK\r\n{line}\r\nContent-Length: 2\r\n\r\n{{}}");
        assert_eq!(body(&input), Ok(Some("{}".into())), "{line:?}");
    }
}

#[test]
fn a_registered_content_coding_is_refused() {
    for value in [
        "gzip",
        "GZip",
        "br",
        "deflate",
        "zstd",
        "compress",
        "x-gzip",
        "identity, gzip",
        "gzip, identity",
        "utf-8,gzip",
        "gzip;q=1",
        "identity\r\nContent-Encoding: br",
        "\r\n gzip",
    ] {
        let input =
            format!("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Encoding: {value}\r\n\r\n");
        assert_eq!(body(&input), malformed(Reason::ContentCoding), "{value}");
    }
    let input = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Encoding : gzip\r\n\r\n";
    assert_eq!(body(input), malformed(Reason::ContentCoding));
}

#[test]
fn a_content_encoding_that_is_no_registered_coding_is_ignored() {
    for value in [
        "utf-8",
        "UTF-8",
        "Identity",
        "identity, identity",
        "none",
        "",
        ",",
        "8bit",
        "application/json",
        "charset=utf-8",
        "utf-8\r\nContent-Encoding: none",
        "gzipped",
        "\u{e9}",
    ] {
        let input = format!(
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Encoding: {value}\r\n\r\n{{}}"
        );
        assert_eq!(body(&input), Ok(Some("{}".into())), "{value}");
    }
}

// Heads out of shape

#[test]
fn a_head_may_end_its_lines_with_a_bare_lf() {
    for input in [
        "HTTP/1.1 200 OK\nContent-Length: 2\n\n{}",
        "HTTP/1.1 200 OK\nContent-Length: 2\n\r\n{}",
        "HTTP/1.1 200\r\nContent-Length: 2\n\n{}",
        "HTTP/1.1 200 \r\nContent-Length: 2\r\n\n{}",
    ] {
        assert_eq!(body(input), Ok(Some("{}".into())), "{input:?}");
    }
}

#[test]
fn a_header_folded_over_lines_is_unfolded() {
    for (header, value) in [
        ("A: b\r\n c", "b c"),
        ("A: b\r\n\tc", "b c"),
        ("A: b \t\r\n \t c\r\n  d", "b c d"),
        ("A: b\n c\n d", "b c d"),
        ("A:\r\n b", "b"),
        ("A: b\r\n ", "b"),
        ("A: b\r\n \r\n c", "b c"),
        ("A:\r\n \r\n\t", ""),
        ("A : b\r\n c: d", "b c: d"),
    ] {
        for status in [200, 301] {
            let input = format!(
                "HTTP/1.1 {status} -\r\nX: y\r\n{header}\r\nContent-Length: 0\r\nZ: z\r\n\r\n"
            );
            let response = read(&input).unwrap().unwrap();
            let expected = [
                ("x", "y"),
                ("a", value),
                ("content-length", "0"),
                ("z", "z"),
            ];
            assert_eq!(headers(&response), expected, "{header:?}");
        }
    }
}

#[test]
fn a_location_folded_over_lines_is_read() {
    let input = "HTTP/1.1 301 -\r\nContent-Security-Policy: default-src 'self';\r\n  img-src *\r\n\
                 Location:\r\n https://b/c\r\n\r\n";
    let response = read(input).unwrap().unwrap();
    assert_eq!(response.header("location"), Some(&b"https://b/c"[..]));
}

#[test]
fn a_blank_before_a_colon_is_dropped() {
    for header in ["A : b", "A\t:b", "A \t : b", "A :b "] {
        let input = format!("HTTP/1.1 404 -\r\n{header}\r\n\r\n");
        let response = read(&input).unwrap().unwrap();
        assert_eq!(headers(&response), [("a", "b")], "{header:?}");
    }
}

#[test]
fn a_line_that_is_no_header_is_passed_over() {
    for line in [
        "A",
        ": b",
        " A: b",
        "\tA: b",
        "A b: c",
        "\u{e9}: b",
        "A: b\u{1}",
        "A: b\u{7f}",
        "A: \u{8}b",
        "A: b\r\n c\u{1}\r\n d",
        "noise\r\n A: b",
        "HTTP/1.1 200 OK",
        "<!-- a comment -->",
        "Warning in /srv/index.php on line 3",
    ] {
        let framing = "Content-Length: 2\r\n";
        for head in [
            format!("{line}\r\n{framing}"),
            format!("{framing}X: y\r\n{line}\r\n"),
            format!("X: y\n{line}\n{framing}"),
        ] {
            // Where it comes first behind another header, an indented line is that header's
            if line.starts_with([' ', '\t']) && head.starts_with(['X', 'C']) {
                continue;
            }
            let input = format!("HTTP/1.1 200 OK\r\n{head}\r\n{{}}");
            let response = read(&input).unwrap().unwrap();
            assert_eq!(response.body, b"{}", "{head:?}");
            assert_eq!(response.header("a"), None, "{head:?}");
            assert_eq!(response.header("content-length"), Some(&b"2"[..]));
        }
    }
}

#[test]
fn nul_and_cr_without_lf_are_refused_anywhere_in_the_headers() {
    for header in [
        "A: b\0",
        "A\0: b",
        "\0",
        "A: b\rc: d",
        "A: b\r\r",
        "A\r: b",
        "A\rB: b",
        "A: b\r\n c\rd",
        "noise\0",
        "noise \r noise",
        "A: b\n\r",
    ] {
        let input = format!("HTTP/1.1 404 -\r\n{header}\r\n\r\n");
        assert_eq!(
            read(&input),
            malformed(Reason::HeaderCharacter),
            "{header:?}"
        );
    }
}

#[test]
fn malformed_status_lines_are_refused() {
    for line in [
        "HTTP/1.2 200 OK",
        "HTTP/1.x 200 OK",
        "HTTP/1.1",
        "HTTP/1.1 ",
        "HTTP/1.1  200 OK",
        "HTTP/1.1 20 OK",
        "HTTP/1.1 2000 OK",
        "HTTP/1.1 2x0 OK",
        "HTTP/1.1 000 OK",
        "HTTP/1.1 099 OK",
        "HTTP/1.1 200 O\0K",
    ] {
        let input = format!("{line}\r\nContent-Length: 0\r\n\r\n");
        assert_eq!(read(&input), malformed(Reason::StatusLine), "{line:?}");
    }
}

#[test]
fn what_is_not_http_1_is_refused_at_the_byte_that_shows_it() {
    for (good, bad) in [
        ("", "SSH-2.0-OpenSSH_9.9\r\n"),
        ("", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        ("", "\r\nHTTP/1.1 200 OK\r\n\r\n"),
        ("", "\0\0\u{12}\u{4}\0\0"),
        ("", "{\"m.server\": \"a\"}"),
        ("H", "ELO"),
        ("HTTP/", "2 200 OK\r\n\r\n"),
        ("HTTP/1", " 200 OK\r\n\r\n"),
        ("", "http/1.1 200 OK\r\n\r\n"),
        ("HTTP/1.1 103 -\r\n\r\n", "\r\nHTTP/1.1 200 OK\r\n\r\n"),
    ] {
        let input = format!("{good}{bad}");
        assert_eq!(read(good), Ok(None));
        assert_eq!(read(&input), malformed(Reason::NotHttp1), "{input:?}");
        assert_eq!(bytes_read(&input), good.len() + 1, "{input:?}");
    }
}

// Any input

proptest! {
    #[test]
    fn any_cut_of_any_input_gives_the_same(
        start in prop::sample::select(STARTS),
        headers in prop::collection::vec(prop::sample::select(HEADERS), 0..3),
        rest in prop::collection::vec(prop::sample::select(REST), 0..8),
        noise in prop::option::of((any::<prop::sample::Index>(), any::<u8>())),
        limits in (0_usize..400, 0_usize..40),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
        clean: bool,
    ) {
        let mut input = [start, &headers.concat(), "\r\n", &rest.concat()].concat().into_bytes();
        if let Some((index, byte)) = noise {
            let index = index.index(input.len());
            input[index] = byte;
        }
        let limits = self::limits(limits.0, limits.1);
        let stream = if clean { Stream::Clean } else { Stream::Unclean };
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(input.len() + 1)).collect();
        cuts.sort_unstable();
        let whole = outcome_within(limits, &[&input], stream);
        prop_assert_eq!(&whole, &outcome_within(limits, &pieces(&input, &cuts), stream));
        let bytes: Vec<_> = input.chunks(1).collect();
        prop_assert_eq!(&whole, &outcome_within(limits, &bytes, stream));
        if let Ok(Some(response)) = whole {
            prop_assert!(response.status >= 200);
            prop_assert!(response.body.len() <= limits.body);
            prop_assert!(response.status == 200 || response.body.is_empty());
        }
    }
}

// Helpers

/// What becomes of the stream after the input
#[derive(Clone, Copy, Debug)]
enum Stream {
    Clean,
    Open,
    Unclean,
}

type Outcome = Result<Option<Response>, HttpError>;

fn limits(head: usize, body: usize) -> Limits {
    let mut limits = Limits::default();
    (limits.head, limits.body) = (head, body);
    limits
}

fn start(limits: Limits) -> Exchange {
    Exchange::get("a", "/", limits).expect("the request should be sendable")
}

fn malformed<T>(reason: Reason) -> Result<T, HttpError> {
    Err(HttpError::Malformed(reason))
}

/// The outcome of `input` on a stream that stays open
fn read(input: &str) -> Outcome {
    outcome(input.as_bytes(), Stream::Open)
}

/// Names and values in their order
fn headers(response: &Response) -> Vec<(&str, &str)> {
    let text = |(name, value)| {
        (
            name,
            str::from_utf8(value).expect("the value should be text"),
        )
    };
    let pairs = response
        .headers
        .iter()
        .map(|(name, value)| (&name[..], &value[..]));
    pairs.map(text).collect()
}

fn body(input: &str) -> Result<Option<String>, HttpError> {
    Ok(read(input)?.map(|response| String::from_utf8_lossy(&response.body).into_owned()))
}

/// The one outcome of every way to cut `input`
fn outcome(input: &[u8], stream: Stream) -> Outcome {
    let whole = outcome_of(&[input], stream);
    let bytes: Vec<_> = input.chunks(1).collect();
    assert_eq!(outcome_of(&bytes, stream), whole, "byte by byte");
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    for _ in 0..16 {
        let mut cuts: Vec<_> = (0..6)
            .map(|_| random(&mut seed) % (input.len() + 1))
            .collect();
        cuts.sort_unstable();
        assert_eq!(
            outcome_of(&pieces(input, &cuts), stream),
            whole,
            "cut at {cuts:?}"
        );
    }
    whole
}

fn outcome_of(pieces: &[&[u8]], stream: Stream) -> Outcome {
    outcome_within(Limits::default(), pieces, stream)
}

fn outcome_within(limits: Limits, pieces: &[&[u8]], stream: Stream) -> Outcome {
    let mut exchange = start(limits);
    for piece in pieces {
        if let Some(response) = exchange.handle_input(piece)? {
            return Ok(Some(response));
        }
    }
    match stream {
        Stream::Clean => exchange.handle_end(true).map(Some),
        Stream::Open => Ok(None),
        Stream::Unclean => exchange.handle_end(false).map(Some),
    }
}

/// How many bytes of `input` it takes to come to a response or an error
fn bytes_read(input: &str) -> usize {
    let mut exchange = start(Limits::default());
    let position = input
        .as_bytes()
        .chunks(1)
        .position(|byte| exchange.handle_input(byte) != Ok(None));
    position.expect("the input should decide") + 1
}

fn chunked(chunks: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}")
}

fn pieces<'a>(input: &'a [u8], cuts: &[usize]) -> Vec<&'a [u8]> {
    let starts = [0].into_iter().chain(cuts.iter().copied());
    let ends = cuts.iter().copied().chain([input.len()]);
    starts
        .zip(ends)
        .map(|(start, end)| &input[start..end])
        .collect()
}

/// Xorshift: the same cuts on every run
fn random(seed: &mut u64) -> usize {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    usize::try_from(*seed >> 33).expect("31 bits should fit")
}

/// The core's defaults
const MAX_HEAD: usize = 16 << 10;
const MAX_BODY: usize = 50 << 10;
const BODY_TOO_LARGE: HttpError = HttpError::BodyTooLarge { limit: MAX_BODY };
const HEAD_TOO_LARGE: HttpError = HttpError::HeadTooLarge { limit: MAX_HEAD };

/// What the inputs of the property are put together from: how they start
const STARTS: &[&str] = &[
    "HTTP/1.0 200 OK\r\n",
    "HTTP/1.1 103 -\r\nA: b\r\n\r\nHTTP/1.1 200 OK\r\n",
    "HTTP/1.1 200 OK\n",
    "HTTP/1.1 200 OK\r\n",
    "HTTP/1.1 404 -\r\n",
];

/// Their headers
const HEADERS: &[&str] = &[
    " c\r\n",
    "A : b\r\n",
    "A: b\n",
    "Content-Encoding: utf-8\r\n",
    "Content-Length : 7\r\n",
    "Content-Length: 7\r\n",
    "noise\r\n",
    "Transfer-Encoding: chunked\r\n",
];

/// What follows their head
const REST: &[&str] = &[
    "\n",
    "\r\n",
    "0\r\n",
    "0\r\n\r\n",
    "0\r\nA: b\r\n\r\n",
    "5\r\nabcde\r\n",
    "A;x=y\r\n0123456789\r\n",
    "HTTP/1.1 200 OK\r\n",
    "{\"a\":1}",
];
