//! Keys and tokens in the formats that their issuers document, made anew in each run:
//! no literal of this repository looks like one.
//!
//! The formats are those of the default rules of gitleaks (`config/gitleaks.toml` in
//! gitleaks/gitleaks), and where it has none:
//! - OpenRouter, Perplexity: the detectors of trufflesecurity/trufflehog
//! - GitLab: `doc/development/…/routable_tokens` (as cited by google/osv-scalibr's `gitlabpat`)
//! - GitHub: docs.github.com, "Supported secret scanning patterns"
//! - W&B: docs.wandb.ai, "Why does my API key fail with: must be 40 characters"
//! - JWT: RFC 7519; PEM: RFC 7468; URLs: RFC 3986

use crate::base64;

/// A generated secret.
#[derive(Clone, Debug)]
pub struct Secret {
    pub issuer: &'static str,
    pub text: String,
    /// Whether its format alone gives it away; otherwise the place where it stands must.
    pub has_format: bool,
}

/// A seeded generator (SplitMix64).
pub struct Random(u64);

impl Random {
    pub fn of(seed: u64) -> Self {
        Self(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    pub fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    fn of_alphabet(&mut self, alphabet: &str, length: usize) -> String {
        let letters: Vec<char> = alphabet.chars().collect();
        (0..length).map(|_| letters[self.below(letters.len())]).collect()
    }
}

const DIGITS: &str = "0123456789";
const HEX: &str = "0123456789abcdef";
const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const ALPHANUMERIC: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const URL_SAFE: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
const BASE64: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Returns one secret of each format.
pub fn secrets(seed: u64) -> Vec<Secret> {
    let mut random = Random::of(seed);
    let mut secrets = Vec::new();
    let mut known = |issuer, text| secrets.push(Secret { issuer, text, has_format: true });
    let r = &mut random;
    // Ends in a letter or digit, as a key in a sentence would be read.
    let safe =
        |r: &mut Random, n: usize| r.of_alphabet(URL_SAFE, n - 1) + &r.of_alphabet(ALPHANUMERIC, 1);
    let alnum = |r: &mut Random, n: usize| r.of_alphabet(ALPHANUMERIC, n - 2) + "a7";
    let hex = |r: &mut Random, n: usize| r.of_alphabet(HEX, n);
    // Split so that no scanner takes these lines for keys.
    known("openai", format!("sk-{}T3Blbk{}{}", alnum(r, 20), "FJ", alnum(r, 20)));
    for kind in ["proj", "svcacct", "admin"] {
        known("openai", format!("sk-{kind}-{}T3Blbk{}{}", safe(r, 74), "FJ", safe(r, 74)));
    }
    for kind in ["api03", "admin01", "oat01"] {
        known("anthropic", format!("sk-ant-{kind}-{}AA", safe(r, 93)));
    }
    known("google", format!("AIza{}", safe(r, 35)));
    known("google", format!("GOCSPX-{}", safe(r, 28)));
    known("google", format!("ya29.{}", safe(r, 120)));
    known("aws", format!("AKIA{}", r.of_alphabet(UPPER, 16)));
    known("aws", format!("ASIA{}", r.of_alphabet(UPPER, 16)));
    known("aws", format!("ABSK{}", r.of_alphabet(BASE64, 128)));
    for kind in ["ghp", "gho", "ghu", "ghs", "ghr"] {
        known("github", format!("{kind}_{}", alnum(r, 36)));
    }
    known("github", format!("github_pat_{}_{}", alnum(r, 22), alnum(r, 59)));
    known("gitlab", format!("glpat-{}", safe(r, 20)));
    known("gitlab", format!("glpat-{}.01.{}", safe(r, 27), r.of_alphabet(HEX, 9)));
    known("gitlab", format!("glptt-{}", hex(r, 40)));
    let (a, b) = (r.of_alphabet(DIGITS, 12), r.of_alphabet(DIGITS, 12));
    known("slack", format!("xoxb-{a}-{b}-{}", alnum(r, 24)));
    known("slack", format!("xoxp-{a}-{b}-{a}-{}", hex(r, 32)));
    known("slack", format!("xapp-1-A{}-{a}-{}", r.of_alphabet(UPPER, 10), hex(r, 64)));
    for kind in ["sk_live", "sk_test", "rk_live"] {
        known("stripe", format!("{kind}_{}", alnum(r, 24)));
    }
    known("huggingface", format!("hf_{}", alnum(r, 34)));
    known("groq", format!("gsk_{}", alnum(r, 52)));
    known("xai", format!("xai-{}", alnum(r, 80)));
    known("perplexity", format!("pplx-{}", alnum(r, 48)));
    known("replicate", format!("r8_{}", alnum(r, 37)));
    known("openrouter", format!("sk-or-v1-{}", hex(r, 64)));
    known("fireworks", format!("fw_{}", alnum(r, 24)));
    known("langsmith", format!("lsv2_pt_{}_{}", hex(r, 32), hex(r, 10)));
    known("wandb", format!("wandb_v1_{}", alnum(r, 77)));
    known("sendgrid", format!("SG.{}.{}", safe(r, 22), safe(r, 43)));
    known("npm", format!("npm_{}", alnum(r, 36)));
    known("pypi", format!("pypi-AgEIcHlwaS5v{}{}", "cmc", safe(r, 80)));
    known("nvidia", format!("nvapi-{}", safe(r, 64)));
    known("databricks", format!("dapi{}", hex(r, 32)));
    known("digitalocean", format!("dop_v1_{}", hex(r, 64)));
    known("vault", format!("hvs.{}", safe(r, 90)));
    known("docker", format!("dckr_pat_{}", safe(r, 27)));
    let part = |r: &mut Random, text: &str| {
        let claims = format!("{{\"{text}\":\"{}\"}}", r.of_alphabet(ALPHANUMERIC, 24));
        base64::encode(claims.as_bytes()).replace('+', "-").replace('/', "_").replace('=', "")
    };
    known("jwt", format!("{}.{}.{}", part(r, "alg"), part(r, "sub"), safe(r, 43)));
    for kind in ["RSA PRIVATE", "PRIVATE", "OPENSSH PRIVATE", "EC PRIVATE"] {
        let lines: Vec<_> = (0..6).map(|_| r.of_alphabet(BASE64, 64)).collect();
        known(
            "pem",
            format!("-----BEGIN {kind} KEY-----\n{}\n-----END {kind} KEY-----", lines.join("\n")),
        );
    }
    let mut nameless = |issuer, text| secrets.push(Secret { issuer, text, has_format: false });
    nameless("cohere", alnum(r, 40));
    nameless("mistral", alnum(r, 32));
    nameless("azure", hex(r, 31) + "7");
    nameless("wandb", "a7".to_owned() + &hex(r, 38));
    nameless("aws-secret", "a7/".to_owned() + &r.of_alphabet(BASE64, 37));
    nameless("together", "7f".to_owned() + &hex(r, 62));
    nameless("deepgram", "7f".to_owned() + &hex(r, 38));
    secrets
}
