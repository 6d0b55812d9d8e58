//! Keys and tokens that are recognised by their format alone.

use super::placed;
use memchr::memmem;
use regex::bytes::{Regex, RegexBuilder};
use std::ops::Range;
use std::sync::LazyLock;

/// A format: who issues it, how it begins, and the rest of the pattern.
struct Format {
    issuer: &'static str,
    /// The ways it begins: literal text, so that a scan without a hit is cheap.
    begins: &'static [&'static str],
    rest: &'static str,
    /// Whether it must hold a letter and a digit, since its beginning is not telling.
    mixed: bool,
}

const fn format(
    issuer: &'static str,
    begins: &'static [&'static str],
    rest: &'static str,
) -> Format {
    Format { issuer, begins, rest, mixed: false }
}

/// The table, a longer beginning before a shorter one of the same text. Lengths are those of real
/// keys, rounded down: a key that grows stays a key. They were read off the issuers' own pages
/// (GitHub's "Supported secret scanning patterns" names most) and off the rules of two scanners,
/// `config/gitleaks.toml` of gitleaks/gitleaks and the detectors of trufflesecurity/trufflehog.
const FORMATS: &[Format] = &[
    format("anthropic", &["sk-ant-"], "[A-Za-z0-9_-]{20,}"),
    format("openrouter", &["sk-or-"], "[A-Za-z0-9-]{32,}"),
    format("langfuse", &["sk-lf-"], "[0-9a-f-]{36}"),
    format("openai", &["sk-proj-", "sk-svcacct-", "sk-admin-"], "[A-Za-z0-9_-]{20,}"),
    Format { issuer: "openai", begins: &["sk-"], rest: "[A-Za-z0-9]{20,}", mixed: true },
    format("github", &["ghp_", "gho_", "ghu_", "ghs_", "ghr_"], "[A-Za-z0-9]{36,}"),
    format("github", &["github_pat_"], "[A-Za-z0-9_]{36,}"),
    format("gitlab", &["glpat-"], "[A-Za-z0-9_-]{20,}(?:\\.[0-9a-z]{2}\\.?[0-9a-z]{7,9})?"),
    format("gitlab", &["gldt-", "glrt-", "glptt-"], "[A-Za-z0-9_.-]{19,}[A-Za-z0-9]"),
    format("aws", &["AKIA", "ASIA"], "[A-Z0-9]{16}"),
    // Keys of Bedrock.
    format("aws", &["ABSK"], "[A-Za-z0-9+/%]{109,}={0,2}"),
    format("aws", &["bedrock-api-key-"], "[A-Za-z0-9+/_-]{20,}={0,2}"),
    format("google", &["AIza"], "[A-Za-z0-9_-]{35}"),
    format("google", &["GOCSPX-"], "[A-Za-z0-9_-]{28}"),
    format("google", &["ya29."], "[A-Za-z0-9_-]{20,}"),
    format("slack", &["xoxa-", "xoxb-", "xoxe-", "xoxp-", "xoxr-", "xoxs-"], "[A-Za-z0-9-]{10,}"),
    format("slack", &["xapp-"], "[0-9]-[A-Z0-9]+-[0-9]+-[a-f0-9]{20,}"),
    format("slack", &["hooks.slack.com/services/"], "[A-Za-z0-9/]{20,}"),
    format("huggingface", &["hf_", "api_org_"], "[A-Za-z0-9]{30,}"),
    format("groq", &["gsk_"], "[A-Za-z0-9]{32,}"),
    format("xai", &["xai-"], "[A-Za-z0-9]{40,}"),
    format("perplexity", &["pplx-"], "[A-Za-z0-9]{32,}"),
    format("replicate", &["r8_"], "[A-Za-z0-9]{30,}"),
    format("nvidia", &["nvapi-"], "[A-Za-z0-9_-]{40,}"),
    format("stripe", &["sk_live_", "sk_test_", "rk_live_", "rk_test_"], "[A-Za-z0-9]{16,}"),
    format("npm", &["npm_"], "[A-Za-z0-9]{36}"),
    format("pypi", &["pypi-AgE"], "[A-Za-z0-9_-]{50,}"),
    format("sendgrid", &["SG."], "[A-Za-z0-9_-]{16,}\\.[A-Za-z0-9_-]{32,}"),
    format("digitalocean", &["dop_v1_", "doo_v1_", "dor_v1_"], "[a-f0-9]{64}"),
    format("databricks", &["dapi"], "[a-f0-9]{32}(?:-[0-9])?"),
    Format { issuer: "fireworks", begins: &["fw_"], rest: "[A-Za-z0-9]{20,}", mixed: true },
    format("cerebras", &["csk-"], "[A-Za-z0-9]{32,}"),
    format("together", &["tgp_v1_"], "[A-Za-z0-9_-]{40,}"),
    format("jina", &["jina_"], "[A-Za-z0-9_-]{40,}"),
    format("tavily", &["tvly-"], "[A-Za-z0-9-]{20,}"),
    format("langsmith", &["lsv2_pt_", "lsv2_sk_"], "[0-9a-f]{32}_[0-9a-f]{10}"),
    format("wandb", &["wandb_v1_"], "[A-Za-z0-9_]{40,}"),
    format("pinecone", &["pcsk_"], "[A-Za-z0-9_]{40,}"),
    format("vault", &["hvs."], "[A-Za-z0-9_-]{24,}"),
    format("docker", &["dckr_pat_"], "[A-Za-z0-9_-]{27,}"),
    format("linear", &["lin_api_"], "[A-Za-z0-9]{32,}"),
    format("notion", &["ntn_"], "[A-Za-z0-9]{40,}"),
    format("shopify", &["shpat_"], "[A-Fa-f0-9]{32}"),
    format("grafana", &["glsa_"], "[A-Za-z0-9+/_]{32,}={0,2}"),
    format("sentry", &["sntrys_"], "[A-Za-z0-9+/=_]{40,}"),
    format("supabase", &["sbp_"], "[A-Za-z0-9_-]{24,}"),
    format("atlassian", &["ATATT3"], "[A-Za-z0-9_=-]{100,}"),
    format("jwt", &["eyJ"], "[A-Za-z0-9_-]{10,}\\.eyJ[A-Za-z0-9_-]{10,}\\.[A-Za-z0-9_-]{10,}"),
    // `(?s:.)`: line ends are escaped in JSON, once or twice.
    format(
        "private-key",
        &["-----BEGIN "],
        "(?:[A-Z0-9]{2,10} ){0,2}PRIVATE KEY(?: BLOCK)?-----(?s:.){16,}?-----END [A-Z0-9 ]{0,24}PRIVATE KEY(?: BLOCK)?-----",
    ),
];

/// A secret found in a text.
pub(super) struct Found {
    pub(super) at: Range<usize>,
    pub(super) issuer: &'static str,
}

/// Returns the secrets of a text, in order and apart.
///
/// Both in a text and in its JSON spelling: what is escaped is no part of a
/// key, and an escape before it is a boundary like the character it stands for.
pub(super) fn find(text: &[u8]) -> Vec<Found> {
    let tokens: Vec<Found> = tokens(text).collect();
    // A key behind `Bearer ` has its own name, if it has a format.
    let bearers: Vec<Found> = bearers(text)
        .filter_map(|start| {
            let next = tokens.partition_point(|token| token.at.end <= start);
            let end = tokens.get(next).map_or(text.len(), |token| token.at.start);
            bearer(text.get(start..end)?, start)
        })
        .collect();
    let mut found = tokens;
    found.extend(bearers);
    // What has a format keeps its name; what is only named by its place comes last.
    let meets = |found: &[Found], at: &Range<usize>| {
        let within = |other: &&Found| other.at.start < at.end && at.start < other.at.end;
        found.iter().filter(within).map(|other| other.at.start).min()
    };
    let passwords: Vec<_> =
        placed::passwords(text).filter(|one| meets(&found, &one.at).is_none()).collect();
    found.extend(passwords);
    let mut last = 0;
    let assigned: Vec<_> = placed::assigned(text, |value| {
        meets(&found, value).map_or(value.end, |start| start.max(value.start))
    })
    // A value may hold a name and a sign of its own.
    .filter(|one| {
        let apart = one.at.start >= last;
        last = last.max(one.at.end);
        apart
    })
    .collect();
    found.extend(assigned);
    found.sort_by_key(|secret| secret.at.start);
    found
}

/// Whether there is none; what most texts pay.
pub(super) fn is_clean(text: &[u8]) -> bool {
    tokens(text).next().is_none()
        && !bearers(text).any(|start| bearer(&text[start..], start).is_some())
        && placed::passwords(text).next().is_none()
        && placed::assigned(text, |value| value.end).next().is_none()
}

/// No key is longer, not even a block of one; bounds what is read from each beginning.
const LONGEST: usize = 32 << 10;

/// Where a token may begin, and what one is from there.
static TOKEN: LazyLock<(Regex, Regex)> = LazyLock::new(|| {
    let begins = |format: &Format| {
        let begins: Vec<_> = format.begins.iter().map(|text| regex::escape(text)).collect();
        format!("(?:{})", begins.join("|"))
    };
    let whole = |format: &Format| format!("{}{}", begins(format), format.rest);
    let any = |of: &dyn Fn(&Format) -> String| FORMATS.iter().map(of).collect::<Vec<_>>().join("|");
    // Those that begin with another one's beginning are found with it. Of up to 64 texts
    // the regex crate looks for all at once, several bytes at a time.
    let all = || FORMATS.iter().flat_map(|format| format.begins);
    let shortest = |text: &&&str| !all().any(|other| *other != **text && text.starts_with(other));
    let scanned: Vec<_> = all().filter(shortest).map(|text| regex::escape(text)).collect();
    debug_assert!(scanned.len() <= 64, "{} beginnings", scanned.len());
    #[allow(clippy::expect_used)] // Constant patterns, compiled in every test.
    let build = |pattern: &str| {
        RegexBuilder::new(pattern).unicode(false).build().expect("the formats are valid patterns")
    };
    (build(&scanned.join("|")), build(&format!("\\A(?:{})", any(&whole))))
});

fn tokens(text: &[u8]) -> impl Iterator<Item = Found> {
    let (begin, whole) = &*TOKEN;
    let mut from = 0;
    std::iter::from_fn(move || {
        loop {
            let start = begin.find_at(text, from)?.start();
            from = start + 1;
            // Asked first: what is no word may be long, with many such places in it.
            if !begins_a_word(text, start) {
                continue;
            }
            let window = &text[start..text.len().min(start.saturating_add(LONGEST))];
            let Some(found) = whole.find(window) else { continue };
            let begins = |begin: &&str| found.as_bytes().starts_with(begin.as_bytes());
            let format = FORMATS.iter().find(|format| format.begins.iter().any(begins))?;
            let end = start + found.end();
            if ends_a_word(text, end) && (!format.mixed || is_mixed(found.as_bytes())) {
                from = end;
                return Some(Found { at: start..end, issuer: format.issuer });
            }
        }
    })
}

/// Returns where what follows `Bearer `, `bearer ` or `BEARER ` begins.
fn bearers(text: &[u8]) -> impl Iterator<Item = usize> {
    static EARER: LazyLock<[memmem::Finder<'static>; 2]> =
        LazyLock::new(|| ["earer ", "EARER "].map(memmem::Finder::new));
    let start = |at: usize| {
        let first = at.checked_sub(1)?;
        let begins = text[first].eq_ignore_ascii_case(&b'b') && begins_a_word(text, first);
        begins.then_some(at + "earer ".len())
    };
    EARER.iter().flat_map(|finder| finder.find_iter(text)).filter_map(start)
}

/// Takes the token at the start of `text`, which lies at `start`, without the
/// full stop of a sentence.
fn bearer(text: &[u8], start: usize) -> Option<Found> {
    let length = text.iter().take_while(|byte| is_bearer(**byte)).count();
    let stops = text[..length].iter().rev().take_while(|byte| **byte == b'.');
    let token = &text[..length - stops.count()];
    let at = start..start + token.len();
    (token.len() >= 20 && is_mixed(token)).then_some(Found { at, issuer: "bearer" })
}

fn is_bearer(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"._~+/=-".contains(&byte)
}

pub(super) fn is_mixed(token: &[u8]) -> bool {
    // Behind the beginning, which has letters of its own.
    let rest = token.strip_prefix(b"sk-").or(token.strip_prefix(b"fw_")).unwrap_or(token);
    rest.iter().any(u8::is_ascii_digit) && rest.iter().any(u8::is_ascii_alphabetic)
}

/// Whether a word may begin at `at`: at the start, after what is neither letter
/// nor digit, or after an escape (`\n`, `\u001b`, `%3D`).
fn begins_a_word(text: &[u8], at: usize) -> bool {
    if !text.get(at).is_some_and(u8::is_ascii_alphanumeric) {
        return true;
    }
    match &text[..at] {
        [] => true,
        [.., byte] if !byte.is_ascii_alphanumeric() => true,
        [.., b'\\', b'b' | b'f' | b'n' | b'r' | b't'] => true,
        [.., b'%', a, b] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit() => true,
        [.., b'\\', b'u', a, b, c, d] => [a, b, c, d].iter().all(|digit| digit.is_ascii_hexdigit()),
        _ => false,
    }
}

/// Whether a word may end at `at`, or a block, which is not of letters.
fn ends_a_word(text: &[u8], at: usize) -> bool {
    let (before, after) = text.split_at(at);
    before.ends_with(b"-----") || !after.first().is_some_and(u8::is_ascii_alphanumeric)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn issuers(text: &str) -> Vec<&'static str> {
        let issuers: Vec<_> = find(text.as_bytes()).iter().map(|found| found.issuer).collect();
        assert_eq!(is_clean(text.as_bytes()), issuers.is_empty(), "{text}");
        issuers
    }

    fn of(begin: &str, length: usize) -> String {
        let alphabet = "a1B2c3D4e5F6";
        format!("{begin}{}", alphabet.chars().cycle().take(length).collect::<String>())
    }

    fn hex(begin: &str, length: usize) -> String {
        format!("{begin}{}", "0a1b2c3d4e5f".chars().cycle().take(length).collect::<String>())
    }

    #[test]
    fn every_format_is_known_by_its_issuer() {
        let cases = [
            (of("sk-", 48), "openai"),
            (of("sk-proj-", 60), "openai"),
            (of("sk-svcacct-", 60), "openai"),
            (of("sk-ant-api03-", 93), "anthropic"),
            (hex("sk-or-v1-", 64), "openrouter"),
            ("sk-lf-01234567-89ab-cdef-0123-456789abcdef".to_owned(), "langfuse"),
            (of("ghp_", 36), "github"),
            (of("ghs_", 36), "github"),
            (format!("{}_{}", of("github_pat_", 22), of("", 59)), "github"),
            (of("glpat-", 20), "gitlab"),
            ("AKIA2E0A8F3B244C9986".to_owned(), "aws"),
            (of("AIza", 35), "google"),
            ("xoxb-123456789012-1234567890123-abcdefABCDEF".to_owned(), "slack"),
            (of("hf_", 34), "huggingface"),
            (of("gsk_", 52), "groq"),
            (of("xai-", 80), "xai"),
            (of("pplx-", 48), "perplexity"),
            (of("r8_", 37), "replicate"),
            (of("nvapi-", 64), "nvidia"),
            (of("sk_live_", 24), "stripe"),
            (of("npm_", 36), "npm"),
            (of("pypi-AgEIcHlwaS5vcmc", 60), "pypi"),
            (format!("{}.{}", of("SG.", 22), of("", 43)), "sendgrid"),
            (hex("dop_v1_", 64), "digitalocean"),
            (hex("dapi", 32), "databricks"),
            (of("fw_", 24), "fireworks"),
            (of("csk-", 48), "cerebras"),
            (of("tvly-dev-", 32), "tavily"),
            (format!("{}_{}", hex("lsv2_pt_", 32), hex("", 10)), "langsmith"),
            (format!("{}.{}.{}", of("eyJ", 20), of("eyJ", 20), of("", 40)), "jwt"),
            (
                "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA\n-----END RSA PRIVATE KEY-----"
                    .to_owned(),
                "private-key",
            ),
        ];
        for (secret, issuer) in cases {
            assert_eq!(issuers(&secret), [issuer], "{secret}");
            assert_eq!(issuers(&format!("see \"{secret}\".")), [issuer], "{secret}");
        }
    }

    #[test]
    fn words_that_only_begin_alike_are_no_secrets() {
        for text in [
            "pip install sk-learn sk-video scikit",
            "the disk-0123456789abcdef01234567 and the task-0123456789abcdef01234567",
            "sk-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
            "sk-proj-...",
            "hf_hub_download, hf_transfer",
            "fw_update_device_firmware_version_2",
            "pplx-7b-online",
            "AKIA is how it begins; BAKIA2E0A8F3B244C99869",
            "the bearer of good news arrived yesterday evening",
            "Authorization: Bearer <token>",
            "Bearer ${OPENAI_API_KEY}",
            "eyJhbGciOiJIUzI1NiJ9.not-a-jwt",
            "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A\n-----END PUBLIC KEY-----",
            "[secret:openai:0123456789abcdef]",
            "Bearer [secret:openai:0123456789abcdef]",
        ] {
            assert_eq!(issuers(text), [""; 0], "{text}");
        }
    }

    #[test]
    fn a_key_behind_bearer_keeps_its_name() {
        let key = of("gsk_", 52);
        assert_eq!(issuers(&format!("curl -H 'Authorization: Bearer {key}'")), ["groq"]);
        assert_eq!(issuers("AUTHORIZATION: BEARER abcdefghij0123456789."), ["bearer"]);
        assert_eq!(issuers(&format!("Bearer abcdefghij0123456789 {key}")), ["bearer", "groq"]);
    }

    #[test]
    fn many_beginnings_of_keys_take_no_time_of_their_own() {
        // Each of these once took the square of its length: minutes.
        for text in ["xsk-ant-".repeat(1 << 17), "-----BEGIN PRIVATE KEY-----x".repeat(1 << 11)] {
            assert_eq!(issuers(&text), [""; 0]);
        }
    }

    #[test]
    fn an_escape_before_a_key_is_a_boundary() {
        let key = of("ghp_", 36);
        for before in ["\\n", "\\\\n", "\\\"", "\\u001b", "=", "-", "é"] {
            assert_eq!(issuers(&format!("{before}{key}")), ["github"], "{before}");
        }
        assert_eq!(issuers(&format!("n{key}")), [""; 0]);
    }
}
