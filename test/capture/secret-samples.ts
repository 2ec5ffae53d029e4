/** Made-up secrets in the forms that services give out, and harmless texts that resemble them. Nothing here was ever valid. */

const DIGITS = '0123456789';
const LOWER = 'abcdefghijklmnopqrstuvwxyz';
const UPPER = LOWER.toUpperCase();

/** Random text from a seed, so that a failure can be repeated. */
export class RandomText {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  readonly of = (alphabet: string, length: number): string =>
    Array.from({ length }, () => alphabet[this.#next(alphabet.length)]).join('');
  readonly any = (length: number): string => this.of(LOWER + UPPER + DIGITS, length);
  readonly url = (length: number): string => this.of(`${LOWER + UPPER + DIGITS}-_`, length - 1) + this.any(1);
  readonly base64 = (length: number): string => this.of(`${LOWER + UPPER + DIGITS}+/`, length);
  readonly hex = (length: number): string => this.of('0123456789abcdef', length);
  readonly lower = (length: number): string => this.of(LOWER + DIGITS, length);
  readonly upper = (length: number): string => this.of(UPPER + DIGITS, length);
  readonly letters = (length: number): string => this.of(LOWER, length);
  readonly digits = (length: number): string => this.of(DIGITS, length);
  readonly uuid = (): string => [8, 4, 4, 4, 12].map(this.hex).join('-');

  #next(limit: number): number {
    // mulberry32
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let value = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
    return ((value ^ (value >>> 14)) >>> 0) % limit;
  }
}

type Make = (random: RandomText) => string;

/** Tokens that are recognized anywhere, by service. */
export const TOKENS: Readonly<Record<string, readonly Make[]>> = {
  '1Password': [
    (r) => `ops_eyJ${r.base64(300)}`,
    (r) => `A3-${r.upper(6)}-${r.upper(11)}-${r.upper(5)}-${r.upper(5)}-${r.upper(5)}`,
  ],
  Airtable: [(r) => `pat${r.any(14)}.${r.hex(64)}`],
  Alibaba: [(r) => `LTAI${r.any(20)}`],
  Anthropic: [(r) => `sk-ant-api03-${r.url(93)}AA`, (r) => `sk-ant-admin01-${r.url(93)}AA`],
  Apify: [(r) => `apify_api_${r.any(36)}`],
  Asana: [(r) => `1/${r.digits(16)}:${r.hex(32)}`],
  Atlassian: [(r) => `ATATT3xFfGF0${r.url(180)}`, (r) => `ATBB${r.any(32)}`],
  AWS: [(r) => `AKIA${r.of('ABCDEFGHIJKLMNOPQRSTUVWXYZ234567', 16)}`, (r) => `ABSK${r.base64(120)}`],
  Axiom: [(r) => `xaat-${r.uuid()}`],
  Azure: [(r) => `${r.any(3)}8Q~${r.url(34)}`],
  Buildkite: [(r) => `bkua_${r.hex(40)}`],
  Cerebras: [(r) => `csk-${r.lower(48)}`],
  CircleCI: [(r) => `CCIPAT_${r.any(22)}_${r.hex(40)}`],
  Cloudflare: [(r) => `v1.0-${r.hex(24)}-${r.hex(146)}`, (r) => `cfut_${r.any(40)}`],
  Contentful: [(r) => `CFPAT-${r.url(43)}`],
  'crates.io': [(r) => `cio${r.any(32)}`],
  Databricks: [(r) => `dapi${r.hex(32)}`],
  dbt: [(r) => `dbtc_${r.any(40)}`, (r) => `dbtu_${r.any(40)}`],
  DigitalOcean: [(r) => `dop_v1_${r.hex(64)}`, (r) => `doo_v1_${r.hex(64)}`],
  Discord: [(r) => `M${r.any(25)}.${r.url(6)}.${r.url(38)}`],
  Docker: [(r) => `dckr_pat_${r.url(27)}`],
  Doppler: [(r) => `dp.pt.${r.any(43)}`, (r) => `dp.st.dev.${r.any(43)}`],
  Duffel: [(r) => `duffel_live_${r.url(43)}`],
  Dynatrace: [(r) => `dt0c01.${r.upper(24)}.${r.upper(64)}`],
  E2B: [(r) => `e2b_${r.hex(40)}`],
  EasyPost: [(r) => `EZAK${r.any(54)}`],
  Figma: [(r) => `figd_${r.any(40)}`, (r) => `figd_${r.url(40)}`],
  Firecrawl: [(r) => `fc-${r.hex(32)}`],
  Fireworks: [(r) => `fw_${r.any(24)}`],
  'Fly.io': [(r) => `FlyV1 fm2_${r.base64(120)}`, (r) => `fo1_${r.url(43)}`],
  'Frame.io': [(r) => `fio-u-${r.url(64)}`],
  GitHub: [
    (r) => `ghp_${r.any(36)}`,
    (r) => `github_pat_${r.any(22)}_${r.any(59)}`,
    (r) => `ghs_${r.any(36)}`,
  ],
  GitLab: [(r) => `glpat-${r.url(20)}`, (r) => `gldt-${r.url(20)}`, (r) => `GR1348941${r.url(20)}`],
  Google: [
    (r) => `AIza${r.url(35)}`,
    (r) => `ya29.${r.url(120)}`,
    (r) => `GOCSPX-${r.url(28)}`,
    (r) => `1//0${r.url(60)}`,
  ],
  Grafana: [(r) => `glsa_${r.any(32)}_${r.hex(8)}`, (r) => `glc_${r.base64(100)}`],
  Groq: [(r) => `gsk_${r.any(52)}`],
  Harness: [(r) => `pat.${r.any(22)}.${r.hex(24)}.${r.any(20)}`],
  Heroku: [(r) => `HRKU-AA${r.url(58)}`],
  'Hugging Face': [(r) => `hf_${r.any(34)}`, (r) => `api_org_${r.any(34)}`],
  HubSpot: [(r) => `pat-na1-${r.uuid()}`],
  Infracost: [(r) => `ico-${r.any(32)}`],
  JetBrains: [(r) => `perm:${r.any(8)}.${r.any(16)}.${r.any(40)}`],
  JFrog: [(r) => `AKCp${r.any(69)}`, (r) => `cmVmd${r.any(59)}`],
  Jina: [(r) => `jina_${r.any(60)}`],
  Kaggle: [(r) => `KGAT_${r.hex(32)}`],
  LangSmith: [(r) => `lsv2_pt_${r.hex(32)}_${r.hex(10)}`, (r) => `lsv2_sk_${r.hex(32)}_${r.hex(10)}`],
  Langfuse: [(r) => `sk-lf-${r.uuid()}`],
  Linear: [(r) => `lin_api_${r.any(40)}`],
  LlamaCloud: [(r) => `llx-${r.any(48)}`],
  Mailchimp: [(r) => `${r.hex(32)}-us21`],
  Mailgun: [(r) => `key-${r.hex(32)}`],
  Modal: [(r) => `as-${r.any(22)}`],
  Neon: [(r) => `napi_${r.lower(64)}`],
  Neptune: [(r) => `eyJhcGlf${r.base64(120)}==`],
  Netlify: [(r) => `nfp_${r.any(36)}`],
  'New Relic': [(r) => `NRAK-${r.upper(27)}`],
  Notion: [(r) => `ntn_${r.any(46)}`, (r) => `secret_${r.any(43)}`],
  npm: [(r) => `npm_${r.any(36)}`],
  NuGet: [(r) => `oy2${r.lower(43)}`],
  NVIDIA: [(r) => `nvapi-${r.any(64)}`, (r) => `nvapi-${r.url(64)}`],
  Octopus: [(r) => `API-${r.upper(26)}`],
  OpenAI: [(r) => `sk-proj-${r.url(120)}`, (r) => `sk-${r.any(48)}`],
  OpenRouter: [(r) => `sk-or-v1-${r.hex(64)}`],
  OpenShift: [(r) => `sha256~${r.url(43)}`],
  Perplexity: [(r) => `pplx-${r.any(48)}`],
  Pinecone: [(r) => `pcsk_${r.any(6)}_${r.any(60)}`],
  PlanetScale: [(r) => `pscale_tkn_${r.url(43)}`, (r) => `pscale_pw_${r.url(43)}`],
  PostHog: [(r) => `phx_${r.any(43)}`],
  Postman: [(r) => `PMAK-${r.hex(24)}-${r.hex(34)}`],
  Prefect: [(r) => `pnu_${r.any(36)}`],
  Pulumi: [(r) => `pul-${r.hex(40)}`],
  PyPI: [(r) => `pypi-AgEIcHlwaS5vcmc${r.url(120)}`],
  ReadMe: [(r) => `rdme_${r.lower(70)}`],
  Render: [(r) => `rnd_${r.any(28)}`],
  Replicate: [(r) => `r8_${r.any(37)}`],
  Resend: [(r) => `re_${r.any(8)}_${r.any(24)}`],
  RubyGems: [(r) => `rubygems_${r.hex(48)}`],
  SendGrid: [(r) => `SG.${r.url(22)}.${r.url(43)}`],
  Brevo: [(r) => `xkeysib-${r.hex(64)}-${r.any(16)}`],
  Sentry: [(r) => `sntryu_${r.hex(64)}`],
  Shippo: [(r) => `shippo_live_${r.hex(40)}`],
  Shopify: [(r) => `shpat_${r.hex(32)}`],
  Slack: [
    (r) => `xoxb-${r.digits(12)}-${r.digits(13)}-${r.any(24)}`,
    (r) => `xapp-1-${r.upper(11)}-${r.digits(13)}-${r.hex(64)}`,
  ],
  SonarQube: [(r) => `squ_${r.hex(40)}`],
  Sourcegraph: [(r) => `sgp_${r.hex(16)}_${r.hex(40)}`],
  Square: [(r) => `sq0atp-${r.url(22)}`, (r) => `EAAA${r.any(60)}`],
  Stripe: [(r) => `sk_live_${r.any(24)}`, (r) => `rk_live_${r.any(99)}`, (r) => `whsec_${r.any(32)}`],
  Supabase: [(r) => `sbp_${r.hex(40)}`, (r) => `sb_secret_${r.any(31)}`],
  Tailscale: [(r) => `tskey-auth-${r.any(16)}-${r.any(32)}`],
  Tavily: [(r) => `tvly-${r.any(32)}`],
  Telegram: [(r) => `${r.digits(10)}:AA${r.url(33)}`],
  Terraform: [(r) => `${r.any(14)}.atlasv1.${r.any(67)}`],
  Together: [(r) => `tgp_v1_${r.url(43)}`],
  Twilio: [(r) => `SK${r.hex(32)}`],
  Typeform: [(r) => `tfp_${r.any(44)}_${r.any(14)}`],
  Vault: [(r) => `hvs.${r.url(90)}`, (r) => `s.${r.any(24)}`],
  Vercel: [(r) => `vercel_blob_rw_${r.any(16)}_${r.any(32)}`],
  'Weights & Biases': [(r) => `wandb_v1_${r.any(60)}`],
  xAI: [(r) => `xai-${r.any(80)}`],
  Yandex: [(r) => `AQVN${r.any(36)}`],
  'a service of the future': [(r) => `acme_live_${r.any(40)}`, (r) => `zorg-${r.any(48)}`],
  'JSON web token': [(r) => `eyJ${r.url(40)}.eyJ${r.url(80)}.${r.url(43)}`],
};

/** Texts with a secret, which stands for `%`: a password of letters, and one with digits. */
export const PLACES: readonly string[] = [
  // Assignments.
  ...[
    'password=%',
    'PGPASSWORD=% psql -h db',
    'export DB_PASS=%',
    'MYSQL_PWD=% mysql',
    'password: %',
    '  client_secret: %',
    'secret = %',
    'passwd = "%"',
  ],
  ...[
    '"password": "%"',
    "'password': '%'",
    '{"db":{"pwd":"%"}}',
    '{\\"api_key\\":\\"%\\"}',
    "Config(user='a', password='%')",
    "{'password': b'%'}",
    'credentials="%"',
  ],
  ...[
    'api_key=%',
    'apikey: "%"',
    'ACCESS_KEY=%',
    'private_key = "%"',
    'AUTH_TOKEN=%',
    'auth_token: %',
    'CLIENT_SECRET=%',
    'spring.datasource.password=%',
  ],
  ...[
    'aws_secret_access_key = %',
    '_authToken=%',
    '//registry.npmjs.org/:_authToken=%',
    'OPENAI_KEY=%',
    'GITHUB_PAT=%',
    'password := "%"',
    '<password>%</password>',
  ],
  // Command lines.
  ...[
    'curl -u admin:% https://service.example',
    'curl --user "admin:%" https://h',
    'curl -uadmin:% https://h',
    'wget --password=% https://h',
    'run --password % --epochs 3',
  ],
  ...[
    'mysql -u root -p% db',
    'mysqldump -h db -uroot -p% all',
    'sshpass -p % ssh host',
    'docker login -u me -p % registry.example',
    'redis-cli -h cache -a % ping',
  ],
  ...[
    'mongosh -u app -p % --authenticationDatabase admin',
    'unzip -P % a.zip',
    'psql "host=db user=app password=% dbname=x"',
    'tool -u app -p % -h db',
    'smbclient //h/s -U me%%%',
  ],
  ...['sqlcmd -S db -U sa -P %', 'ldapsearch -x -w % -b dc=x', 'cmd --db-password=% --x', 'cmd --api-key %'],
  // HTTP.
  ...[
    'curl -H "Authorization: Bearer %" https://h',
    'Authorization: Basic %',
    "{'Authorization': 'Token %'}",
    'X-Api-Key: %',
    '-H "X-Auth-Token: %"',
    'Cookie: session=%',
    "'Cookie': 'sid=%'",
  ],
  ...[
    'Set-Cookie: id=%; HttpOnly',
    'https://h/x?access_token=%&y=1',
    'https://h/x?password=%',
    'https://user:%@h/x',
  ],
  // Connection strings.
  ...[
    'postgres://app:%@db:5432/x',
    'mongodb+srv://app:%@cluster.example/x',
    'redis://:%@cache:6379/0',
    'amqp://app:%@mq',
    'host=db user=app password=% dbname=x',
  ],
  ...[
    'Server=db;User Id=sa;Password=%;Encrypt=true',
    'Server=db;Uid=sa;Pwd=%;',
    'jdbc:postgresql://h/db?user=u&password=%',
    'jdbc:sqlserver://h;user=sa;password=%;',
    'jdbc:oracle:thin:scott/%@//h:1521/x',
  ],
  ...[
    'DefaultEndpointsProtocol=https;AccountName=a;AccountKey=%;EndpointSuffix=x',
    'Endpoint=sb://h/;SharedAccessKeyName=n;SharedAccessKey=%',
    'mysql:host=db;password=%',
  ],
  // Files of credentials.
  ...[
    'machine h login u password %',
    'login u password %',
    '    password %',
    'db:5432:app:me:%',
    "CREATE USER a IDENTIFIED BY '%'",
    "ALTER ROLE a WITH PASSWORD '%'",
  ],
];

/** Values that are secrets only beside the name of their service, or in its URL. */
export const NAMED: readonly (readonly [string, Make])[] = [
  ['datadog: %', (r) => r.lower(40)],
  ['HEROKU=%', (r) => r.uuid()],
  ['algolia = "%"', (r) => r.lower(32)],
  ['"fastly": "%"', (r) => r.any(32)],
  ['new_relic_id=%', (r) => r.lower(64)],
  ['okta: 00%', (r) => r.any(40)],
  ['FAL_KEY=%', (r) => `${r.uuid()}:${r.hex(32)}`],
  ['BW_SESSION=%', (r) => r.any(64)],
  ['AZURE_DEVOPS_EXT_PAT=%', (r) => r.lower(52)],
  ['<add key="DbPassword" value="%"/>', (r) => r.letters(14)],
  ['openssl enc -pass pass:%', (r) => r.letters(12)],
  ['sshpass -p% ssh host', (r) => r.letters(12)],
  ['https://discord.com/api/webhooks/123456789012345678/%', (r) => r.url(68)],
  ['https://hooks.slack.com/services/T00000000/B00000000/%', (r) => r.any(24)],
];

/** Texts without a secret. */
export const HARMLESS: readonly string[] = [
  'commit 3f786850e387550fdab836ed7e6dc881de23001b (HEAD -> main)',
  'run 7df9e651-eee4-41ed-9d03-846f3bbbecdf, span 7df9e651eee441ed9d03846f3bbbecdf',
  'token_count=512 tokenizer=bert password_policy=strict max_tokens=4096 n_tokens: 1048576 tokens/s: 123456.78',
  'secret_santa=false key=value keys=[1, 2, 3] cache_key=3f786850e387550fdab836ed7e6dc881de23001b',
  'author=Jane author: Jane Doe <jane@example.org>, authority=example authenticated=yes authors: 12',
  'forward_pass=12 first_pass: true bypass=enabled compass: north passed=12 passing=3 passengers: 7',
  'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'sha512-Zz9yQ3hKpG1nB8vX0aLmQ2rT5uW7xY4cD6eF8gH0iJ2kL4mN6oP8qR0sT2uV4wX6yZ8aB0cD2eF4gH6iJ8kL0m==',
  'sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824 md5-5d41402abc4b2a76b9719d911017c592',
  '/data/runs/3f786850e387550fdab836ed7e6dc881de23001b/outputs/model-00001-of-00007.safetensors',
  'C:\\Users\\me\\secrets\\token.txt and ~/.ssh/id_rsa.pub',
  'checkpoint_20261129_074500_step-000012345.pt best_model_epoch_12_loss_0.1234.ckpt',
  'chatcmpl-9oXyZ1aB2cD3eF4gH5iJ6kL7mN8oP msg_01XFDUDYJgAACzvnptvVoYEL call_62136354aB9cD8eF7gH6iJ5k run_abc123',
  'train-job-7d4b9c6f5-x2x9k on ip-10-0-12-34.eu-west-1.compute.internal i-0123456789abcdef0',
  'arn:aws:s3:::bucket/prefix s3://bucket/a/b gs://bucket/c https://example.org/a?page=2&q=secret+santa#token',
  'docker run -u 1000:1000 -p 8080:80 -v /a:/b image:tag; docker run -u node:node image',
  'python train.py -p 8080 -u --lr 1e-4 --pad-token "<pad>" --tokenizer gpt2 --max-tokens 512 --num-keys 3',
  'ssh -p 2222 host; mkdir -p outputs/a; cp -p a b; ps -a; tar -a -cf x; grep -w word file; git log -p main',
  'mysql -h db -u root --protocol=tcp db; redis-cli -h cache ping; psql -U app -p 5432 db',
  'password: string; apiKey?: string; token: Token2<Secret1>; secret: SecretStr = Field(...)',
  'password = getPassword(); const apiKey = process.env.API_KEY; token = tokens[i]; secret = config.secret; pwd = newPassword',
  'def login(user: str, password: str, token: Optional[str] = None) -> None:',
  'password must have 8 characters; enter your password: it is not shown; the secret of success: hard work; Token: expired',
  'Wrong password for user bob; password changed; password: incorrect; invalid token: rejected; secret not found',
  'option --password requires a value; use --token or --api-key; --password-file /run/secrets/x; --no-auth',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: shell syntax
  'DB_PASSWORD=${DB_PASSWORD} API_KEY=<your-api-key> TOKEN=$TOKEN secret="{{ secret }}" password=*** pwd=/home/me',
  'Basic authentication is used; bearer of news; Authorization: required; cookie: accepted; a basic internationalization',
  'sk-learn-contrib-hierarchical-models re_initialized_variables fw_gradient_accumulation_steps s.normalizationLayerName',
  'linear=3 linear_layer: 12 lob=2 global: 3 looker datadog.enabled=true heroku_region=eu fastly: yes',
  'const credentials = { accessKeyId: S3_ACCESS_KEY_ID, secretAccessKey: S3_SECRET_ACCESS_KEY }; type TokenCredential = Extract<A, B>; privateKey: binary;',
  's.addSourceMapLocation() MIN_SECRET_INTEGER = 100_000; SORT_KEY=name PARTITION_KEY=run_id',
  'src/auth/token_service.py:12:5: E501 line too long (132 > 110 characters)',
  'metrics: {"accuracy": 0.98, "f1": 0.97, "tokens": 12345678, "key_error": 0.1, "pass_rate": 0.5}',
  '2026-11-29T07:45:00.123456+00:00 INFO epoch 3 loss 0.123456789 lr=1e-05 eta 01:23:45',
  'AKIA is a prefix; eyJ is another; ghp_short; npm_package_version; xoxb-; pul-request; sbp_flow; figd_x',
];
