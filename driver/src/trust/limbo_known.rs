//! Where our verifier and x509-limbo disagree, and why.

/// A reason, whether our verifier accepts, and the cases
type Class = (&'static str, bool, &'static [&'static str]);

pub(super) const KNOWN: &[Class] = &[
    (
        "webpki takes no key identifiers: chains are built by names and signatures, so RFC 5280's rules on \
         their presence protect nothing",
        true,
        &[
            "rfc5280::aki::critical-aki",
            "rfc5280::aki::cross-signed-root-missing-aki",
            "rfc5280::aki::intermediate-missing-aki",
            "rfc5280::aki::leaf-missing-aki",
            "rfc5280::ski::critical-ski",
            "rfc5280::ski::intermediate-missing-ski",
            "rfc5280::ski::root-missing-ski",
            "webpki::aki::root-with-aki-all-fields",
            "webpki::aki::root-with-aki-authoritycertissuer",
            "webpki::aki::root-with-aki-authoritycertserialnumber",
            "webpki::aki::root-with-aki-missing-keyidentifier",
            "webpki::aki::root-with-aki-ski-mismatch",
        ],
    ),
    (
        "a trust anchor is a name and a key (RFC 5280 §6.1.1 (d)): what else its certificate says is not looked \
         at, its validity included",
        true,
        &[
            "crl::issuer-missing-crlsign",
            "rfc5280::ca-empty-subject",
            "rfc5280::root-inconsistent-ca-extensions",
            "rfc5280::root-missing-basic-constraints",
            "rfc5280::root-non-critical-basic-constraints",
            "rfc5280::unknown-critical-extension-root",
            "rfc5280::validity::expired-root",
            "webpki::eku::root-has-eku",
        ],
    ),
    (
        "the common name is never looked at, so that it may say anything",
        true,
        &[
            "webpki::cn::case-mismatch",
            "webpki::cn::ipv4-hex-mismatch",
            "webpki::cn::ipv4-leading-zeros-mismatch",
            "webpki::cn::ipv6-non-rfc5952-mismatch",
            "webpki::cn::ipv6-uncompressed-mismatch",
            "webpki::cn::ipv6-uppercase-mismatch",
            "webpki::cn::not-in-san",
            "webpki::cn::punycode-not-in-san",
            "webpki::cn::utf8-vs-punycode-mismatch",
        ],
    ),
    (
        "a rule on how authorities write certificates, whose breach deceives nobody: webpki leaves it out",
        true,
        &[
            "rfc5280::leaf-ku-keycertsign",
            "rfc5280::nc::not-allowed-in-ee-critical",
            "rfc5280::nc::not-allowed-in-ee-noncritical",
            "rfc5280::nc::permitted-dns-match-noncritical",
            "rfc5280::pc::ica-noncritical-pc",
            "rfc5280::san::noncritical-with-empty-subject",
            "rfc5280::san::underscore-dns",
            "rfc5280::serial::too-long",
            "rfc5280::serial::zero",
            "webpki::malformed-aia",
            "webpki::nc::intermediate-permitted-excluded-subtrees-both-empty-sequences",
            "webpki::nc::intermediate-permitted-excluded-subtrees-both-null",
            "webpki::san::san-critical-with-nonempty-subject",
        ],
    ),
    (
        "a leading period in a name constraint: webpki takes it as others do, for all that is below",
        true,
        &["rfc5280::nc::invalid-dnsname-leading-period"],
    ),
    (
        "extended key usage absent, critical or any: RFC 5280 §4.2.1.12 allows what the Baseline Requirements do \
         not, and private authorities issue such certificates",
        true,
        &[
            "webpki::eku::ee-anyeku",
            "webpki::eku::ee-critical-eku",
            "webpki::eku::ee-without-eku",
        ],
    ),
    (
        "a leaf's own key is not part of its chain: a handshake with it fails at its signature, as ring has \
         neither DSA nor P-192",
        true,
        &["webpki::forbidden-dsa-leaf", "webpki::forbidden-p192-leaf"],
    ),
    (
        "RSA of more than 2,048 bits is strong enough, whatever its length is a multiple of",
        true,
        &[
            "webpki::forbidden-rsa-key-not-divisible-by-8-in-leaf",
            "webpki::forbidden-rsa-not-divisible-by-8-in-root",
        ],
    ),
    (
        "the number of a revocation list only matters to those who fetch lists",
        true,
        &["crl::crlnumber-critical", "crl::crlnumber-missing"],
    ),
    (
        "the depth of a chain is bounded by webpki, not by the caller",
        true,
        &[
            "pathlen::max-chain-depth-0-exhausted",
            "pathlen::max-chain-depth-1-exhausted",
        ],
    ),
    (
        "wildcards of public suffixes: webpki has no list of them; who is given such a certificate by a trusted \
         authority has it",
        true,
        &[
            "webpki::san::public-suffix-multi-label-wildcard-san",
            "webpki::san::public-suffix-private-namespace-wildcard-san",
        ],
    ),
    (
        "an authority's certificate for a server: refused, though RFC 5280 does not",
        false,
        &[
            "pathlen::validation-ignores-pathlen-in-leaf",
            "rfc5280::ca-as-leaf",
        ],
    ),
    (
        "webpki counts and constrains self-issued certificates as all others: stricter than RFC 5280",
        false,
        &[
            "pathlen::self-issued-certs-pathlen",
            "rfc5280::nc::permitted-self-issued",
        ],
    ),
];
