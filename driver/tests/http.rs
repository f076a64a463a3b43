//! The HTTP exchange against the responses a server, or someone posing as one, can send
//!
//! Every response is fed whole, byte by byte and in 16 random cuts, and must come out the same.

use fedway_driver::http::{Exchange, HttpError, Limits, Part, Response};
use proptest::prelude::*;

// The request

#[test]
fn the_request_is_these_bytes() {
    let exchange = Exchange::get("example.org:8448", "/a?b=c", LIMITS).unwrap();
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
        let host = Exchange::get(&format!("a{byte}b"), "/", LIMITS);
        assert_eq!(host.unwrap_err(), HttpError::InvalidHost, "{byte:?}");
        let target = Exchange::get("a", &format!("/a{byte}b"), LIMITS);
        assert_eq!(target.unwrap_err(), HttpError::InvalidTarget, "{byte:?}");
    }
    assert_eq!(
        Exchange::get("", "/", LIMITS).unwrap_err(),
        HttpError::InvalidHost
    );
    for target in ["", "a", "*", "https://a/", "/a#b"] {
        let exchange = Exchange::get("a", target, LIMITS);
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
        assert_eq!(
            read(&input),
            Err(HttpError::Malformed(Part::Chunk)),
            "{good:?} {bad:?}"
        );
    }
}

#[test]
fn http_1_0_is_read_to_the_end_if_that_is_clean() {
    for head in [
        "HTTP/1.0 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n",
    ] {
        let input = format!("{head}{{}}\r\n\r\n");
        assert_eq!(read(&input), Ok(None));
        let response = outcome(input.as_bytes(), Stream::Clean).unwrap().unwrap();
        assert_eq!(response.body, b"{}\r\n\r\n");
        assert_eq!(
            outcome(input.as_bytes(), Stream::Unclean),
            Err(HttpError::Truncated)
        );
        let response = outcome(head.as_bytes(), Stream::Clean).unwrap().unwrap();
        assert_eq!(response.body, b"");
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
    let mut exchange = start(LIMITS);
    assert!(
        exchange
            .handle_input(b"HTTP/1.1 404 -\r\n\r\n")
            .unwrap()
            .is_some()
    );
    assert_eq!(exchange.handle_input(b""), Err(HttpError::Finished));
    assert_eq!(exchange.handle_end(true), Err(HttpError::Finished));
    let mut exchange = start(LIMITS);
    assert_eq!(
        exchange.handle_input(b"x"),
        Err(HttpError::Malformed(Part::StatusLine))
    );
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
    assert_eq!(bytes_read(&input), LIMITS.head + 1);
}

#[test]
fn a_switch_of_protocols_is_refused() {
    let input = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n";
    assert_eq!(read(input), Err(HttpError::UnexpectedUpgrade));
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
    let data = "x".repeat(LIMITS.body);
    let length = LIMITS.body;
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
    assert_eq!(body(&head(LIMITS.head)), Ok(Some("".into())));
    assert_eq!(body(&head(LIMITS.head + 1)), Err(HEAD_TOO_LARGE));
    let early = "HTTP/1.1 103 -\r\n\r\n";
    assert_eq!(
        body(&format!("{early}{}", head(LIMITS.head - early.len()))),
        Ok(Some("".into()))
    );
    assert_eq!(
        body(&format!("{early}{}", head(LIMITS.head - early.len() + 1))),
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
    assert_eq!(bytes_read(&input), LIMITS.head + 1);
}

#[test]
fn five_thousand_headers_are_refused() {
    let input = format!("HTTP/1.1 200 OK\r\n{}\r\n", "A: b\r\n".repeat(5000));
    assert_eq!(read(&input), Err(HEAD_TOO_LARGE));
}

#[test]
fn as_many_headers_as_fit_the_head_are_kept() {
    let input = format!("HTTP/1.1 404 -\r\n{}\r\n", "A:\n".repeat(5000));
    assert!(input.len() < LIMITS.head);
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
    let limits = Limits {
        head: 3 << 20,
        body: 2 << 20,
    };
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
    for values in [
        "2\r\nContent-Length: 3",
        "2, 3",
        "2\r\nX: y\r\nContent-Length: 2,3",
        "+2",
        "-2",
        "2 2",
        "0x2",
        "2.0",
        "",
        ",",
        "2,",
        "two",
        "\u{662}",
    ] {
        let input = format!("HTTP/1.1 200 OK\r\nContent-Length: {values}\r\n\r\n{{}}");
        assert_eq!(
            body(&input),
            Err(HttpError::Malformed(Part::ContentLength)),
            "{values:?}"
        );
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
            Err(HttpError::Malformed(Part::TransferEncoding))
        );
    }
}

#[test]
fn a_transfer_encoding_in_http_1_0_is_refused() {
    let input = "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n";
    assert_eq!(
        body(input),
        Err(HttpError::Malformed(Part::TransferEncoding))
    );
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
            HttpError::Malformed(Part::Header)
        } else {
            HttpError::UnsupportedEncoding
        };
        assert_eq!(body(&input), Err(expected), "{value:?}");
    }
    let input = "HTTP/1.1 200 OK\r\ntransfer-ENCODING:\tCHUNKED \r\n\r\n0\r\n\r\n";
    assert_eq!(body(input), Ok(Some("".into())));
}

#[test]
fn a_content_encoding_other_than_identity_is_refused() {
    for value in [
        "gzip",
        "identity, gzip",
        "identity\r\nContent-Encoding: br",
        "x",
    ] {
        let input =
            format!("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Encoding: {value}\r\n\r\n");
        assert_eq!(body(&input), Err(HttpError::UnsupportedEncoding), "{value}");
    }
    let input = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Encoding: Identity\r\n\r\n{}";
    assert_eq!(body(input), Ok(Some("{}".into())));
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
fn folded_and_malformed_headers_are_refused() {
    for header in [
        "A: b\r\n c",
        "A: b\r\n\tc",
        " A: b",
        "A : b",
        "A",
        ": b",
        "A: b\0",
        "A: b\rc: d",
        "A: b\r\r",
        "\u{e9}: b",
        "A b: c",
    ] {
        let input = format!("HTTP/1.1 404 -\r\n{header}\r\n\r\n");
        assert_eq!(
            read(&input),
            Err(HttpError::Malformed(Part::Header)),
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
        assert_eq!(
            read(&input),
            Err(HttpError::Malformed(Part::StatusLine)),
            "{line:?}"
        );
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
        assert_eq!(
            read(&input),
            Err(HttpError::Malformed(Part::StatusLine)),
            "{input:?}"
        );
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
        let limits = Limits { head: limits.0, body: limits.1 };
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

fn start(limits: Limits) -> Exchange {
    Exchange::get("a", "/", limits).expect("the request should be sendable")
}

/// The outcome of `input` on a stream that stays open
fn read(input: &str) -> Outcome {
    outcome(input.as_bytes(), Stream::Open)
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
    outcome_within(LIMITS, pieces, stream)
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
    let mut exchange = start(LIMITS);
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

const LIMITS: Limits = Limits {
    head: 16 << 10,
    body: 50 << 10,
};
const BODY_TOO_LARGE: HttpError = HttpError::BodyTooLarge { limit: LIMITS.body };
const HEAD_TOO_LARGE: HttpError = HttpError::HeadTooLarge { limit: LIMITS.head };

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
    "A: b\n",
    "Content-Length: 7\r\n",
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
];
