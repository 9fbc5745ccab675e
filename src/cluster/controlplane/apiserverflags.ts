/**
 * Flags of the API server that have upstream's names and meaning, as data: `knarr server` takes them, and so does `knarr up`,
 * which keeps them with the cluster. What they come to is in `access.ts`.
 */

interface Flag {
  /** What help shows for the value. */
  value: string;
  text: string;
  /** `file` is made absolute; `list` may be repeated, and has commas; `texts` may be repeated. */
  type: 'file' | 'files' | 'text' | 'texts' | 'list' | 'duration' | 'count' | 'switch';
}

const file = (text: string): Flag => ({ value: '<file>', text, type: 'file' });
const files = (text: string): Flag => ({ value: '<file>', text, type: 'files' });
const text = (value: string, about: string): Flag => ({ value, text: about, type: 'text' });
const texts = (value: string, about: string): Flag => ({ value, text: about, type: 'texts' });
const list = (value: string, about: string): Flag => ({ value, text: about, type: 'list' });
const duration = (about: string): Flag => ({ value: '<duration>', text: about, type: 'duration' });
const count = (about: string): Flag => ({ value: '<count>', text: about, type: 'count' });
const toggle = (about: string): Flag => ({ value: '[boolean]', text: about, type: 'switch' });

export const apiServerFlags = {
  'authentication-config': file('an AuthenticationConfiguration: OpenID Connect issuers, anonymous requests; read again when it changes'),
  'anonymous-auth': toggle('let requests in that say nothing of who they are from (default: true)'),
  'oidc-issuer-url': text('<url>', 'an OpenID Connect issuer whose tokens are accepted'),
  'oidc-client-id': text('<id>', 'for whom its tokens must be'),
  'oidc-ca-file': file('who signed its certificate (default: those whom the system trusts)'),
  'oidc-username-claim': text('<claim>', "which claim is the user's name (default: sub)"),
  'oidc-username-prefix': text('<prefix>', "put before names; '-' for none (default: the issuer's URL, except for e-mail addresses)"),
  'oidc-groups-claim': text('<claim>', 'which claim holds the groups'),
  'oidc-groups-prefix': text('<prefix>', 'put before groups'),
  'oidc-signing-algs': list('<list>', 'algorithms that are accepted (default: RS256)'),
  'oidc-required-claim': texts('<claim=value>', 'what a token must say; may be repeated'),
  'authentication-token-webhook-config-file': file('a kubeconfig of the webhook that is asked for unknown tokens'),
  'authentication-token-webhook-version': text('<version>', 'of TokenReview: v1 or v1beta1 (default: v1beta1)'),
  'authentication-token-webhook-cache-ttl': duration('how long its answers are kept (default: 2m)'),
  'token-auth-file': file('tokens: token,user,uid,"group1,group2" a line'),
  'enable-bootstrap-token-auth': toggle('accept bootstrap tokens, with which nodes join (default: true)'),
  'client-ca-file': file("further authorities of client certificates, besides the cluster's own"),
  'requestheader-client-ca-file': file('authorities of a proxy that is believed whom it names in headers'),
  'requestheader-allowed-names': list('<names>', "names that the proxy's certificate may have (default: any)"),
  'requestheader-username-headers': list('<headers>', 'where it names the user (default: X-Remote-User)'),
  'requestheader-uid-headers': list('<headers>', "where it gives the user's UID (default: X-Remote-Uid)"),
  'requestheader-group-headers': list('<headers>', 'where it names groups (default: X-Remote-Group)'),
  'requestheader-extra-headers-prefix': list('<prefixes>', 'how headers with more about the user begin (default: X-Remote-Extra-)'),
  'service-account-signing-key-file': file("the key that signs tokens of service accounts (default: the cluster's own)"),
  'service-account-key-file': files('keys whose tokens are accepted; may be repeated, and hold several'),
  'service-account-issuer': texts('<url>', 'who issues tokens of service accounts; further ones are accepted'),
  'service-account-jwks-uri': text('<url>', 'where others find the keys'),
  'service-account-max-token-expiration': duration('the longest that a token may be good for'),
  'service-account-extend-token-expiration': toggle("let pods' tokens live for a year, with a mark (default: true)"),
  'api-audiences': list('<list>', 'for whom tokens must be to be accepted (default: the issuers)'),
  'authorization-config': file('an AuthorizationConfiguration: a chain of authorizers; read again when it changes'),
  'authorization-mode': list('<list>', 'of AlwaysAllow, AlwaysDeny, Node, RBAC, Webhook, in order (default: Node,RBAC)'),
  'authorization-webhook-config-file': file('a kubeconfig of the webhook that mode Webhook asks'),
  'authorization-webhook-version': text('<version>', 'of SubjectAccessReview: v1 or v1beta1 (default: v1beta1)'),
  'authorization-webhook-cache-authorized-ttl': duration('how long what it allows is kept (default: 5m)'),
  'authorization-webhook-cache-unauthorized-ttl': duration('how long what it does not allow is kept (default: 30s)'),
  'audit-policy-file': file('a Policy: what is recorded of requests'),
  'audit-log-path': text('<file>', "where it is recorded; '-' for standard output"),
  'audit-log-mode': text('<mode>', 'blocking, blocking-strict or batch (default: blocking)'),
  'audit-log-format': text('<format>', 'json or legacy (default: json)'),
  'audit-log-maxsize': count('megabytes after which a new file is begun (default: 0, never)'),
  'audit-log-maxage': count('days that old files are kept (default: 0, for ever)'),
  'audit-log-maxbackup': count('how many old files are kept (default: 0, all)'),
  'audit-log-compress': toggle('pack old files (default: false)'),
  'audit-log-truncate-enabled': toggle('leave objects out of events that are too large (default: false)'),
  'audit-log-truncate-max-event-size': count('bytes from which an event is too large (default: 102400)'),
  'audit-webhook-config-file': file('a kubeconfig of the webhook that events are sent to'),
  'audit-webhook-mode': text('<mode>', 'batch, blocking or blocking-strict (default: batch)'),
  'audit-webhook-initial-backoff': duration('how long to wait before a failed request is repeated (default: 10s)'),
  'audit-webhook-batch-max-size': count('events sent at once, at most (default: 400)'),
  'audit-webhook-batch-max-wait': duration('the longest that an event waits for others (default: 30s)'),
  'audit-webhook-batch-buffer-size': count('events that may wait (default: 10000)'),
  'audit-webhook-batch-throttle-enable': toggle('limit requests per second (default: true)'),
  'audit-webhook-batch-throttle-qps': count('requests per second, on average (default: 10)'),
  'audit-webhook-batch-throttle-burst': count('requests at once, at most (default: 15)'),
  'audit-webhook-truncate-enabled': toggle('leave objects out of events that are too large (default: false)'),
  'audit-webhook-truncate-max-event-size': count('bytes from which an event is too large (default: 102400)'),
  'encryption-provider-config': file('an EncryptionConfiguration: what is encrypted in the store, and how'),
  'encryption-provider-config-automatic-reload': toggle('read it again when it changes (default: false)'),
  'max-requests-inflight': count('with the next one, how many requests are served at a time; without priority and fairness, how many that read (default: 400)'),
  'max-mutating-requests-inflight': count('with the one before; without priority and fairness, how many that write (default: 200)'),
  'enable-priority-and-fairness': toggle('serve requests in fair order, as FlowSchemas say (default: true)'),
  'request-timeout': duration('how long a request may take (default: 1m)'),
  'min-request-timeout': count('seconds that a watch lives at least when it does not say how long (default: 1800)'),
  'shutdown-delay-duration': duration('how long everything is served on after /readyz says that the server ends (default: 0s)'),
  'shutdown-send-retry-after': toggle('answer 429 to what comes while the server ends, instead of refusing connections (default: false)'),
  'goaway-chance': text('<fraction>', 'of HTTP/2 requests whose connection is closed after them, at most 0.02 (default: 0)'),
  'http2-max-streams-per-connection': count('requests at a time on an HTTP/2 connection; 0 for the default (default: 100)'),
  'livez-grace-period': duration('how long steps of the start count as done for /livez (default: 0s)'),
  'event-ttl': duration('how long events are kept (default: 1h)'),
  'default-watch-cache-size': count('as upstream, which ignores it too: all resources are cached as a whole'),
  'feature-gates': list('<list>', 'Gate=true,Gate=false: those of upstream; what knarr has only one way is refused another'),
  profiling: toggle('serve /debug/v8/profile and /debug/v8/heap to those who may get them (default: true)'),
  'cors-allowed-origins': list('<list>', "regular expressions of origins whose pages may ask, e.g. '//example\\.com(:|$)'"),
  'strict-transport-security-directives': list('<list>', 'of the header of that name: max-age=31536000,includeSubDomains,preload'),
  'tls-min-version': text('<version>', 'VersionTLS10, VersionTLS11, VersionTLS12 or VersionTLS13 (default: VersionTLS12)'),
  'tls-cipher-suites': list('<list>', "of TLS up to 1.2, by their names of IANA (default: Node.js's)"),
  'tls-sni-cert-key': texts('<cert,key[:names]>', "a certificate for names that clients ask for (default: those in it); '*.example.com' for all below"),
  'runtime-config': list('<list>', 'built-in APIs on and off: api/beta=true,GROUP/VERSION=true,GROUP/VERSION/RESOURCE=false'),
} as const satisfies Readonly<Record<string, Flag>>;

export type ApiServerFlag = keyof typeof apiServerFlags;

/** What was given: by flag, in the order of the command line. */
export type ApiServerFlags = Partial<Record<ApiServerFlag, readonly string[]>>;

export const apiServerFlagNames = Object.keys(apiServerFlags) as ApiServerFlag[];
