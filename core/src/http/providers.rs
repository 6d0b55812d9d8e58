//! Known providers: their hosts, their inference endpoints, and the
//! environment variables that point their SDKs elsewhere.

use super::url::{Authority, Url, unescape};

/// Hosts of providers, sorted.
const HOSTS: &[&str] = &[
    "ai.api.nvidia.com",
    "aiplatform.googleapis.com",
    "api-inference.huggingface.co",
    "api.ai21.com",
    "api.anthropic.com",
    "api.cerebras.ai",
    "api.cohere.ai",
    "api.cohere.com",
    "api.deepinfra.com",
    "api.deepseek.com",
    "api.fireworks.ai",
    "api.groq.com",
    "api.hyperbolic.xyz",
    "api.inference.wandb.ai",
    "api.jina.ai",
    "api.minimax.chat",
    "api.minimax.io",
    "api.minimaxi.com",
    "api.mistral.ai",
    "api.moonshot.ai",
    "api.moonshot.cn",
    "api.novita.ai",
    "api.openai.com",
    "api.perplexity.ai",
    "api.replicate.com",
    "api.sambanova.ai",
    "api.siliconflow.cn",
    "api.siliconflow.com",
    "api.studio.nebius.ai",
    "api.studio.nebius.com",
    "api.together.ai",
    "api.together.xyz",
    "api.voyageai.com",
    "api.x.ai",
    "api.z.ai",
    "codestral.mistral.ai",
    "dashscope-intl.aliyuncs.com",
    "dashscope-us.aliyuncs.com",
    "dashscope.aliyuncs.com",
    "eu.api.openai.com",
    "generativelanguage.googleapis.com",
    "inference.baseten.co",
    "integrate.api.nvidia.com",
    "models.github.ai",
    "open.bigmodel.cn",
    "openrouter.ai",
    "router.huggingface.co",
    "us.api.openai.com",
];

/// Hosts of providers that differ by region or customer, `*` for any run of characters.
const HOST_PATTERNS: &[&str] = &[
    "*-aiplatform.googleapis.com",
    "*.aiplatform.googleapis.com",
    "*.cognitiveservices.azure.com",
    "*.inference.ai.azure.com",
    "*.inference.ml.azure.com",
    "*.models.ai.azure.com",
    "*.openai.azure.com",
    "*.openai.azure.us",
    "*.services.ai.azure.com",
    "bedrock-mantle.*.api.aws",
    "bedrock-runtime-fips.*.amazonaws.com",
    "bedrock-runtime.*.amazonaws.com",
    "bedrock-runtime.*.amazonaws.com.cn",
];

/// Path endings that are inference wherever they are posted to.
const INFERENCE: &[&str] = &[
    "/chat/completions",
    "/v1/completions",
    "/responses",
    "/v1/messages",
    "/embeddings",
    "/rerank",
    ":generateContent",
    ":streamGenerateContent",
    ":embedContent",
    ":batchEmbedContents",
    "/converse",
    "/converse-stream",
    "/invoke-with-response-stream",
    "/audio/speech",
    "/audio/transcriptions",
    "/audio/translations",
    "/images/generations",
    "/v1/moderations",
];

/// Path endings that are inference on a provider's host, and anything elsewhere.
const INFERENCE_OF_PROVIDERS: &[&str] = &[
    "/api/chat",
    "/api/embed",
    "/api/generate",
    "/invoke",
    "/apply",
    "/chat",
    "/classifications",
    "/classify",
    "/complete",
    "/completions",
    "/contextualizedembeddings",
    "/count-tokens",
    "/count_tokens",
    "/detokenize",
    "/embed",
    "/generate",
    "/generation",
    "/images/edits",
    "/images/variations",
    "/input_tokens",
    "/messages",
    "/moderations",
    "/multimodal-embedding",
    "/multimodalembeddings",
    "/ocr",
    "/predictions",
    "/ranking",
    "/reranking",
    "/text-embedding",
    "/text-rerank",
    "/tokenize",
    ":batchEmbedText",
    ":computeTokens",
    ":countTokens",
    ":embedText",
    ":generateAnswer",
    ":predict",
    ":rawPredict",
    ":streamRawPredict",
];

/// Endpoints whose body may leave out `"stream": false`, their default.
const STREAM_IS_FALSE_BY_DEFAULT: &[&str] =
    &["/chat/completions", "/completions", "/responses", "/messages"];

/// Variables with which a provider's SDK, or a framework, is pointed at another server.
const BASE_URLS: &[&str] = &[
    "ANTHROPIC_API_BASE",
    "ANTHROPIC_API_URL",
    "ANTHROPIC_BASE_URL",
    "ANTHROPIC_BEDROCK_BASE_URL",
    "ANTHROPIC_FOUNDRY_BASE_URL",
    "ANTHROPIC_VERTEX_BASE_URL",
    "AWS_ENDPOINT_URL_BEDROCK_RUNTIME",
    "AZURE_AI_API_BASE",
    "AZURE_API_BASE",
    "AZURE_OPENAI_BASE_URL",
    "AZURE_OPENAI_ENDPOINT",
    "CEREBRAS_BASE_URL",
    "COHERE_API_BASE",
    "CO_API_URL",
    "DASHSCOPE_HTTP_BASE_URL",
    "DEEPSEEK_API_BASE",
    "DEEPSEEK_BASE_URL",
    "FIREWORKS_API_BASE",
    "FIREWORKS_BASE_URL",
    "GEMINI_API_BASE",
    "GEMINI_BASE_URL",
    "GOOGLE_GEMINI_BASE_URL",
    "GOOGLE_VERTEX_BASE_URL",
    "GROQ_API_BASE",
    "GROQ_BASE_URL",
    "HF_INFERENCE_ENDPOINT",
    "LITELLM_API_BASE",
    "LITELLM_BASE_URL",
    "LITELLM_PROXY_API_BASE",
    "LM_STUDIO_API_BASE",
    "MISTRAL_API_BASE",
    "MISTRAL_BASE_URL",
    "MISTRAL_ENDPOINT",
    "MOONSHOT_BASE_URL",
    "NVIDIA_BASE_URL",
    "OLLAMA_API_BASE",
    "OLLAMA_BASE_URL",
    "OPENAI_API_BASE",
    "OPENAI_BASE_URL",
    "OPENROUTER_API_BASE",
    "OPENROUTER_BASE_URL",
    "PERPLEXITY_API_BASE",
    "PERPLEXITY_BASE_URL",
    "REPLICATE_API_BASE_URL",
    "SAMBANOVA_BASE_URL",
    "TOGETHER_API_BASE",
    "TOGETHER_BASE_URL",
    "VLLM_API_BASE",
    "VOYAGE_BASE_URL",
    "XAI_API_BASE",
    "XAI_BASE_URL",
];

/// Returns whether `host` is a known provider's.
pub(crate) fn is_provider(host: &str) -> bool {
    HOSTS.binary_search(&host).is_ok()
        || HOST_PATTERNS.iter().any(|pattern| wildcard(pattern, host))
}

/// Returns whether a POST to `path` is inference; `known` says whether its host is a provider's.
pub(crate) fn is_inference(path: &str, known: bool) -> bool {
    let path = path.trim_end_matches('/');
    let ends = |endings: &[&str]| endings.iter().any(|ending| path.ends_with(ending));
    ends(INFERENCE)
        || path.contains("/model/") && path.ends_with("/invoke")
        || known
            && (ends(INFERENCE_OF_PROVIDERS)
                // Hugging Face's tasks are posted to the model itself.
                || path.starts_with("/models/")
                || path.starts_with("/hf-inference/models/")
                // DeepInfra's, likewise.
                || path.starts_with("/v1/inference/"))
}

/// Returns whether `"stream": false` in a body for `path` says nothing.
pub(crate) fn stream_is_false_by_default(path: &str) -> bool {
    let path = path.trim_end_matches('/');
    STREAM_IS_FALSE_BY_DEFAULT.iter().any(|ending| path.ends_with(ending))
}

/// Returns whether a request to `path` asks for a stream, whatever its body says.
pub(crate) fn is_stream_by_path(path: &str) -> bool {
    let path = path.trim_end_matches('/');
    [
        ":streamGenerateContent",
        ":streamRawPredict",
        "/converse-stream",
        "/invoke-with-response-stream",
    ]
    .iter()
    .any(|ending| path.ends_with(ending))
}

/// Returns whether a request to `path` asks for a stream unless its body says no.
pub(crate) fn is_stream_by_default(path: &str) -> bool {
    ["/api/chat", "/api/generate"].iter().any(|ending| path.ends_with(ending))
}

/// Returns the model that `path` names: `/models/<model>:generateContent`,
/// `/model/<model>/converse`, `/deployments/<model>/…`.
pub(crate) fn model_in_path(path: &str) -> Option<String> {
    ["/models/", "/model/", "/deployments/"].iter().find_map(|before| {
        let (_, rest) = path.split_once(before)?;
        // A model of Bedrock has a colon of its own: `anthropic.claude-v2:1`.
        let ends: &[char] = if *before == "/model/" { &['/'] } else { &['/', ':'] };
        let end = rest.find(ends).unwrap_or(rest.len());
        (end > 0).then(|| unescape(&rest[..end]))
    })
}

/// Returns the names of the variables that point SDKs at other servers, whose calls are
/// then a provider's.
pub fn base_url_variables() -> impl Iterator<Item = &'static str> {
    BASE_URLS.iter().copied().chain(["OLLAMA_HOST"])
}

/// Returns the servers that the environment names as providers.
///
/// A variable that is empty or no URL names none: its SDK will say so.
pub(crate) fn base_urls(env: &dyn Fn(&str) -> Option<String>) -> Vec<Authority> {
    let mut servers: Vec<Authority> = BASE_URLS
        .iter()
        .filter_map(|name| env(name))
        .filter_map(|value| Url::parse(value.trim()))
        .map(|url| url.authority)
        .collect();
    servers.extend(env("OLLAMA_HOST").and_then(|value| ollama(value.trim())));
    servers
}

/// Reads `OLLAMA_HOST`: scheme and port may be missing, and what a server binds
/// to (`0.0.0.0`) is reached at loopback.
fn ollama(value: &str) -> Option<Authority> {
    if value.is_empty() {
        return None;
    }
    let full = if value.contains("://") { value.to_owned() } else { format!("http://{value}") };
    let mut server = Url::parse(&full)?.authority;
    if server.default_port && !value.contains("://") && !value.ends_with(":80") {
        server = Authority { port: 11434, default_port: false, ..server };
    }
    if server.host == "0.0.0.0" {
        server.host = "127.0.0.1".to_owned();
    }
    Some(server)
}

/// Matches `text` against `pattern`, in which `*` is any run of characters.
pub(crate) fn wildcard(pattern: &str, text: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(mut text) = text.strip_prefix(first) else {
        return false;
    };
    let mut pieces = rest.split('*').peekable();
    while let Some(piece) = pieces.next() {
        if pieces.peek().is_none() {
            return text.ends_with(piece);
        }
        match text.find(piece) {
            Some(at) => text = &text[at + piece.len()..],
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_is_any_run_of_characters() {
        assert!(wildcard(
            "bedrock-runtime.*.amazonaws.com",
            "bedrock-runtime.eu-west-1.amazonaws.com"
        ));
        assert!(!wildcard("bedrock-runtime.*.amazonaws.com", "bedrock-runtime.amazonaws.com"));
        assert!(wildcard("/v1/batches/*/x/*", "/v1/batches/7/x/"));
        assert!(!wildcard("/v1/models", "/v1/models/gpt"));
        assert!(!wildcard("*.openai.azure.com", "openai.azure.com"));
        assert!(!wildcard("a*ab", "ab"));
    }

    #[test]
    fn a_lookalike_host_is_no_provider() {
        assert!(HOSTS.is_sorted());
        for host in ["api.openai.com", "eu-aiplatform.googleapis.com", "x.openai.azure.com"] {
            assert!(is_provider(host), "{host}");
        }
        for host in
            ["api.openai.com.evil.dev", "xapi.openai.com", "openai.com", "evil-openai.azure.com"]
        {
            assert!(!is_provider(host), "{host}");
        }
    }

    #[test]
    fn the_model_is_read_from_the_path() {
        let model = |path| model_in_path(path).unwrap();
        assert_eq!(model("/v1beta/models/gemini-2.0:generateContent"), "gemini-2.0");
        assert_eq!(model("/model/amazon.nova-v1%3A0/converse"), "amazon.nova-v1:0");
        assert_eq!(model("/model/anthropic.claude-v2:1/invoke"), "anthropic.claude-v2:1");
        assert_eq!(model("/openai/deployments/gpt/chat/completions"), "gpt");
        assert_eq!(model_in_path("/v1/chat/completions"), None);
    }

    #[test]
    fn ollama_host_may_lack_scheme_and_port() {
        let named = |value: &str| ollama(value).map(|server| server.to_string());
        assert_eq!(named("gpu-box"), Some("gpu-box:11434".to_owned()));
        assert_eq!(named("0.0.0.0:9000"), Some("127.0.0.1:9000".to_owned()));
        assert_eq!(named("https://gpu-box"), Some("gpu-box".to_owned()));
        assert_eq!(named(""), None);
    }
}
