import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createLineMasker, createMasker } from '../../src/capture/secrets.js';
import { measureCpuMs } from '../support/cpu-time.js';

/** Fake tokens in the form of real ones. They are assembled here, so that secret scanners do not report this file. */
const random = (length: number): string => 'aB3dE5gH7jK9mN1pQ2sT4vW6xY8zA0bC'.repeat(10).slice(0, length);
const hex = (length: number): string => '0123456789abcdef'.repeat(10).slice(0, length);
const KEY_BODY = Array.from({ length: 3 }, (_, line) => `MIIE${line}${random(59)}`);
const PRIVATE_KEY = ['-----BEGIN RSA PRIVATE KEY-----', ...KEY_BODY, '-----END RSA PRIVATE KEY-----'].join(
  '\n',
);

const TOKENS: Record<string, string> = {
  'AWS access key id': `AKIA${'Q7ZD5MF2'.repeat(2)}`,
  'GitHub personal': `ghp_${random(36)}`,
  'GitHub fine-grained': `github_pat_${random(22)}_${random(59)}`,
  GitLab: `glpat-${random(20)}`,
  'Slack bot': `xoxb-1234567890-${random(24)}`,
  'OpenAI project': `sk-proj-${random(40)}`,
  'OpenAI service account': `sk-svcacct-${random(40)}`,
  OpenAI: `sk-${random(48)}`,
  Anthropic: `sk-ant-api03-${random(60)}-AA`,
  Google: `AIza${random(35)}`,
  'Google OAuth': `ya29.${random(60)}`,
  Stripe: `sk_live_${random(24)}`,
  npm: `npm_${random(36)}`,
  PyPI: `pypi-AgEIcHlwaS5vcmc${random(60)}`,
  'Hugging Face': `hf_${random(34)}`,
  'Weights & Biases': `wandb_v1_${random(50)}`,
  SendGrid: `SG.${random(22)}.${random(43)}`,
  Databricks: `dapi${hex(32)}`,
  Vault: `hvs.${random(90)}`,
  Telegram: `123456789:AA${random(33)}`,
  Neptune: `eyJhcGlf${random(120)}==`,
  'JSON web token': `eyJ${random(30)}.${random(60)}.${random(43)}`,
};

const MASKED_TEXTS: readonly (readonly [string, string])[] = [
  [`Authorization: Bearer ${random(20)}`, 'Authorization: Bearer ***'],
  ['authorization: bearer hunter', 'authorization: bearer ***'],
  ['{"Authorization": "Basic dXNlcjpwYXNzd29yZDE="}', '{"Authorization": "Basic ***"}'],
  [`curl -H 'Authorization: Token ${hex(40)}' x`, "curl -H 'Authorization: Token ***' x"],
  ['postgres://bob:pa@ss1@db:5432/x', 'postgres://bob:***@db:5432/x'],
  ['https://oauth2:hunter2@gitlab.com/a/b.git', 'https://oauth2:***@gitlab.com/a/b.git'],
  [`https://${hex(32)}@o1.ingest.sentry.io/2`, 'https://***@o1.ingest.sentry.io/2'],
  ['redis://:hunter2@cache:6379', 'redis://:***@cache:6379'],
  [
    `https://b.s3.amazonaws.com/k?X-Amz-Date=20240102T030405Z&X-Amz-Signature=${hex(64)}&x=1`,
    'https://b.s3.amazonaws.com/k?X-Amz-Date=20240102T030405Z&X-Amz-Signature=***&x=1',
  ],
  [
    'https://a.blob.core.windows.net/c?sv=2024-11-04&sig=aB%2Bc%3D',
    'https://a.blob.core.windows.net/c?sv=2024-11-04&sig=***',
  ],
  ['GET /v1?access_token=abcdef123456&page=2', 'GET /v1?access_token=***&page=2'],
  ['password=hunter2', 'password=***'],
  ['PGPASSWORD=hunter2 psql', 'PGPASSWORD=*** psql'],
  ['{"db":{"password":"hunter-two"},"a":1}', '{"db":{"password":"***"},"a":1}'],
  ['{\\"apiKey\\":\\"abcd-efgh\\"}', '{\\"apiKey\\":\\"***\\"}'],
  ['"password": "with \\" quote inside"', '"password": "***"'],
  ['+const apiKey = "abcd-efgh";', '+const apiKey = "***";'],
  ["client_secret: 'abcd-efgh'", "client_secret: '***'"],
  ['run --db-password hunter2 --epochs 3', 'run --db-password *** --epochs 3'],
  ['args: --password=hunter2 --x', 'args: --password=*** --x'],
  ['url=https://h/x?token=abc123def&y=1', 'url=https://h/x?token=***&y=1'],
  [
    'DefaultEndpointsProtocol=https;AccountName=a;AccountKey=aB3dE5gH7jK9mN1pQ2==;EndpointSuffix=x',
    'DefaultEndpointsProtocol=https;AccountName=a;AccountKey=***;EndpointSuffix=x',
  ],
  ['Cookie: session=abc; theme=dark', 'Cookie: ***'],
  ['machine api.wandb.ai login user password abc', 'machine api.wandb.ai login user password ***'],
  ['https://hooks.slack.com/services/T00000000/B00000000/XXXX', 'https://hooks.slack.com/services/***'],
  [`x ${PRIVATE_KEY} y`, 'x *** y'],
  [JSON.stringify({ k: PRIVATE_KEY }), '{"k":"***"}'],
  [`${PRIVATE_KEY.slice(0, 150)}`, '***'],
  [
    `-----BEGIN PRIVATE KEY-----\n+${KEY_BODY[0]}\n+${KEY_BODY[1]!.slice(0, 20)}\nthen: words`,
    '***\nthen: words',
  ],
];

const ORDINARY_TEXTS = [
  'commit 9a21546c0de1f2a3b4c5d6e7f8091a2b3c4d5e6f (HEAD -> main, origin/main)',
  'commit 9a21546',
  '{"@aws-sdk/credential-provider-node": ">=3.972.0 <4", "auth-token": "^3.25 || ^4.0"}',
  'uuid 7df9e651-eee4-41ed-9d03-846f3bbbecdf and 7df9e651eee441ed9d03846f3bbbecdf',
  `sha256:${hex(64)}`,
  'integrity sha512-Zz9yQ3hKpG1nB8vX0aLmQ2rT5uW7xY4cD6eF8gH0iJ2kL4mN6oP8qR0sT2uV4wX6yZ8aB0cD2eF4gH6iJ8kL0m==',
  '"sha512-zymm5+u+sCsSWyD9qNaejV3DFvhCKclKdizYaJUuHA83RLjb7nSuGnddCHGv0hk+KY7BMAlsWeK4Ueg6EV6XQg=="',
  '/usr/lib/python3.11/site-packages/keyring/credentials.py:12',
  'C:\\Users\\me\\secrets\\token.txt',
  'epoch 3 loss 0.123456789 acc=0.98765432 lr: 1e-05 tokens/s: 123456.78',
  '2024-01-02T03:04:05.123456+00:00',
  'max_tokens=4096 pad_token="<pad>" eos_token_id=50256 bos_token: "<|endoftext|>" mask_token=[MASK]',
  'tokenizer=bert-base-uncased tokenizer_name: "meta-llama/Llama-3.1-8B"',
  'num_key_value_heads: 8, key_padding_mask=None, cache_key=abcdef123456abcdef123456',
  'author: Jane Doe <jane@example.com>, authority: example1234',
  'git@github.com:acme/demo.git and ssh://git@github.com/acme/demo.git',
  'http://localhost:8080/@scope/pkg@1.0.0 https://registry.npmjs.org:443/a@b',
  'https://example.com/search?q=secrets&page=2#token',
  'password = getPassword1()',
  'password = config.db1.password',
  'const token = tokens[i1]; let secret = b64decode(x)',
  'password: string; apiKey?: string; token: Token2<Secret1>',
  'Authorization: required, authorization failed; Basic authentication is used, bearer of news',
  'class="sk-top-container sk-estimator-id-1-label sk-toggleable__content"',
  'scikit-learn 1.5.0, sk-learn-contrib-hierarchical-models',
  'npm_config_user_agent=npm/10.2.4 node/v20.19.0 linux x64',
  'hf_hub_download(repo_id="bert-base-uncased", filename="config.json")',
  'TOKENIZERS_PARALLELISM=false POLYAXON_AUTH=enabled auth=basic',
  '--token-file /run/secrets/token --password-stdin --no-auth',
  'password must have 8 characters; the secret of success: work. Token: expired',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: shell syntax
  'DB_PASSWORD=${DB_PASSWORD} API_KEY=<your-api-key> TOKEN=$TOKEN secret="{{ secret }}"',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: shell syntax
  'postgres://bob:${PASSWORD}@db/x redis://cache:6379/0',
  'key: value, keys: 12, primary_key=12345678, public_key_path=/etc/key.pub',
  'task-0123456789abcdef0123456789abcdef desk-01AB23cd45EF67gh89IJ',
  'secretary: Bob12345, tokenize: true, passenger=12345678, compass: north12',
  'AKIA is a prefix; eyJ is another; ghp_short; npm_package_version; xoxb-',
  'a ? b=c : d=e && f=g',
];

describe('createMasker', () => {
  describe('maskText', () => {
    const masker = createMasker({});

    it.each(Object.entries(TOKENS))('masks a token of %s', (_, token) => {
      expect(masker.maskText(token)).toBe('***');
      expect(masker.maskText(`x="${token}", then`)).toBe('x="***", then');
    });

    it.each(MASKED_TEXTS)('masks in %s', (text, expected) => {
      expect(masker.maskText(text)).toBe(expected);
    });

    it.each(ORDINARY_TEXTS)('does not change %s', (text) => {
      const before = masker.maskedCount;

      expect(masker.maskText(text)).toBe(text);
      expect(masker.maskedCount).toBe(before);
    });

    it('does not change the lock file and package manifest of this project', () => {
      for (const file of ['package.json', 'package-lock.json']) {
        const text = readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');
        expect(masker.maskText(text)).toBe(text);
      }
    });

    it('masks the values of variables with secret names everywhere', () => {
      const environment = {
        WANDB_API_KEY: hex(40),
        MY_TOKEN: 'tok/en+va?lue',
        SOME_SECRET: 'correct horse',
        DATABASE_URL: 'postgres://bob:p%40ss-word@db/x',
        MYSQL_PWD: '84572039',
        KAGGLE_KEY: '0f1e2d3c4b5a69788796a5b4c3d2e1f0',
      };
      const env = createMasker(environment);

      const text = [
        `key ${hex(40)}.`,
        'a tok/en+va?lue b',
        'q=tok%2Fen%2Bva%3Flue',
        Buffer.from('tok/en+va?lue').toString('base64'),
        'itscorrect horseindeed',
        'p@ss-word and p%40ss-word',
        '84572039 but 1184572039',
        environment.KAGGLE_KEY,
      ];

      expect(text.map((line) => env.maskText(line))).toEqual([
        'key ***.',
        'a *** b',
        'q=***',
        '***==',
        'its***indeed',
        '*** and ***',
        '*** but 1184572039',
        '***',
      ]);
      expect(env.maskedCount).toBe(9);
    });

    it('masks each line of a secret with several lines', () => {
      const env = createMasker({ SIGNING_KEY: PRIVATE_KEY });

      expect(env.maskText(`a ${KEY_BODY[1]} b`)).toBe('a *** b');
      expect(env.maskText('-----BEGIN CERTIFICATE-----')).toBe('-----BEGIN CERTIFICATE-----');
    });

    it('does not mask words, paths, short numbers and ordinary values of such variables', () => {
      const environment = {
        AUTH_TOKEN: 'disabled',
        DB_PASSWORD: 'postgres',
        API_KEY: '12345',
        GOOGLE_APPLICATION_CREDENTIALS: '/etc/gcp/key.json',
        SSH_AUTH_SOCK: '/tmp/ssh-XXXXXXyaB3dE5gH7/agent.12',
        TOKEN_URL: 'https://auth.example.com/token',
        AWS_SECRET_NAME: 'training-secrets',
        MAX_TOKENS: '409600000',
        GPG_KEY: hex(40),
        CACHE_KEY: hex(40),
        PWD: '/home/jane/project',
        SUDO_PASSWORD: 'janedoe',
        USER: 'janedoe',
        XAUTHORITY: '/home/jane/.Xauthority',
        GIT_AUTHOR_NAME: 'Jane Doe',
      };
      const text = Object.values(environment).join(' ');

      expect(createMasker(environment).maskText(text)).toBe(text);
    });

    it('masks variables that were set before a refresh, and those that were unset later', () => {
      const environment: NodeJS.ProcessEnv = { A_SECRET: 'first-value' };
      const env = createMasker(environment);

      delete environment.A_SECRET;
      environment.B_SECRET = 'second-value';
      const before = env.maskText('first-value second-value');
      env.refresh();

      expect(before).toBe('*** second-value');
      expect(env.maskText('first-value second-value')).toBe('*** ***');
    });

    it('masks a planted secret in any text', () => {
      const secret = fc
        .string({ minLength: 8, maxLength: 40 })
        .filter(
          (text) =>
            /[a-z]/i.test(text) &&
            /\d/.test(text) &&
            !/^[\s$<%~./]|[\s>]$/.test(text) &&
            !/^\w:[\\/]/.test(text),
        );
      fc.assert(
        fc.property(secret, fc.string(), fc.string(), (value, before, after) => {
          const text = createMasker({ PLANTED_SECRET: value }).maskText(before + value + after);

          expect(text).not.toContain(value);
          expect(text).toContain('***');
        }),
      );
    });

    it('masks long secrets to their end', () => {
      const long = random(300).repeat(100);

      for (const [before, after] of [
        ['password=', ' x'],
        ['{"password": "', '"}'],
        ['Authorization: Bearer ', '\n'],
        ['https://h/?token=', '&a=b'],
        [`x eyJ${long}.`, `.${long} y`],
        ['Cookie: a=', '\nnext'],
      ] as const) {
        const masked = masker.maskText(before + long + after);
        expect(masked).toContain('***');
        expect(masked.length).toBeLessThan(60);
      }
      expect(masker.maskText(`password="${long}\nnext`)).toBe('password="***\nnext');
    });

    it('masks nothing twice', () => {
      const env = createMasker({ A_SECRET: 'first-value' });
      const once = [...MASKED_TEXTS.map(([text]) => text), ...Object.values(TOKENS)].map((text) =>
        env.maskText(text),
      );
      const before = env.maskedCount;

      expect(once.map((text) => env.maskText(text))).toEqual(once);
      expect(env.maskedCount).toBe(before);
    });

    it.each(
      [
        'a',
        ' ',
        '-',
        'a-',
        'eyJ',
        'eyJ-',
        'eyJaaaaaaaaaa.',
        'sk-',
        'a://',
        'a://b:',
        '?a',
        'a=',
        'token:',
        'password="',
        'password="a1b2c3d4\n',
        "password='a1b2c3d4",
        'token=a1b2c3d4;',
        'password=',
        `${'password='.repeat(440)}(`,
        'password=\\"',
        '--token ',
        'bearer ',
        'authorization: ',
        'cookie: a',
        'machine a login b password ',
        '-----BEGIN PRIVATE KEY-----',
        `-----BEGIN PRIVATE KEY-----${'\n'.repeat(200)}`,
        `-----BEGIN PRIVATE KEY-----\n${' '.repeat(999)}\n${' '.repeat(999)}x\n`,
        'PRIVATE KEY-----END ',
        '\\',
        '"\\',
        "'",
        '\n',
        'SG.aaaaaaaaaaaaaaaaaaaaaaa.',
        '1234567890:AA',
        'mysql ',
        'mysql -p',
        'curl -u a',
        '-u a ',
        '-u a -b c ',
        'login ',
        'docker login ',
        'login a password ',
        'sqlplus a/',
        ' password a\n',
        '<password>',
        'a:5432:b:c:',
        'identified by "',
        'sk-_',
        'acme_',
        'a_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',
        'eyJrIjoi',
        'aaaaaaaaaaaaaa.atlasv1.',
        'https://a.webhook.office.com/',
        'datadog=',
        'password: a b ',
      ].map((piece) => [piece.slice(0, 40), piece] as const),
    )('takes linear time for %j', (_, piece) => {
      const text = piece.repeat(Math.ceil(300_000 / piece.length));

      expect(measureCpuMs(() => masker.maskText(text))).toBeLessThan(20_000);
    });
  });

  describe('maskValue', () => {
    const masker = createMasker({ A_SECRET: 'first-value' });

    it('masks by the name of a key, at any depth', () => {
      const value = {
        db: { host: 'h', password: 'abc', port: 5432, user: 'bob' },
        apiKeys: ['abcd-1', 'abcd-2'],
        credentials: { id: 'some id', nested: [{ k: 'v' }] },
        auth: { token: 'abc123def456', method: 'oauth' },
        hf_token: 'abcdefgh',
        passcode: 123456,
        secretNumber: 12,
      };

      expect(masker.maskValue('config', value)).toEqual({
        db: { host: 'h', password: '***', port: 5432, user: 'bob' },
        apiKeys: ['***', '***'],
        credentials: { id: '***', nested: [{ k: '***' }] },
        auth: { token: '***', method: 'oauth' },
        hf_token: '***',
        passcode: '***',
        secretNumber: 12,
      });
    });

    it('masks only by names on request', () => {
      const value = { note: `use ${TOKENS.npm}`, password: 'hunterhunter' };

      expect(masker.maskNamed('', value)).toEqual({ ...value, password: '***' });
    });

    it('masks by the name of the value itself', () => {
      expect(masker.maskValue('OPENAI_API_KEY', 'abc')).toBe('***');
      expect(masker.maskValue('password', ['a1', 'b1'])).toEqual(['***', '***']);
    });

    it('masks by the name in a pair, in lists of pairs and in flat lists', () => {
      const value = {
        pairs: [
          ['accept', '*/*'],
          ['x-api-key', 'r8Yl3nWe92yB'],
        ],
        har: [{ name: 'X-Api-Key', value: 's9Xm4oXf03zC' }],
        env: [{ key: 'DB_PASSWORD', value: 'hunterhunter' }],
        raw: ['Accept', '*/*', 'X-Api-Key', 't0Wn5pYg14aD'],
        words: ['password', 'hunter', 'token', 'x'],
        'set-cookie': ['sid=abc; HttpOnly'],
      };

      expect(masker.maskValue('headers', value)).toEqual({
        pairs: [
          ['accept', '*/*'],
          ['x-api-key', '***'],
        ],
        har: [{ name: 'X-Api-Key', value: '***' }],
        env: [{ key: 'DB_PASSWORD', value: '***' }],
        raw: ['Accept', '*/*', 'X-Api-Key', '***'],
        words: ['password', 'hunter', 'token', 'x'],
        'set-cookie': ['***'],
      });
    });

    it('masks by single words as names in a list of pairs, and in entries with other keys', () => {
      const value = [
        [
          ['password', 'hunterhunter'],
          ['accept', '*/*'],
        ],
        { Name: 'DB_PASSWORD', Value: 'hunterhunter' },
        { header: 'Cookie', values: ['sid=abc'] },
        { key: 'api_key', value: { stringValue: 'hunterhunter' } },
      ];

      expect(masker.maskValue('', value)).toEqual([
        [
          ['password', '***'],
          ['accept', '*/*'],
        ],
        { Name: 'DB_PASSWORD', Value: '***' },
        { header: 'Cookie', values: ['***'] },
        { key: 'api_key', value: { stringValue: '***' } },
      ]);
    });

    it('masks by content, also in keys', () => {
      const value = { note: `use ${TOKENS.npm}`, 'first-value': ['first-value!'] };

      expect(masker.maskValue('x', value)).toEqual({ note: 'use ***', '***': ['***!'] });
    });

    it('does not mask tokens and keys of machine learning', () => {
      const value = {
        max_tokens: 4096,
        n_tokens: 1_000_000,
        pad_token: '<pad>',
        eos_token: '</s>',
        bos_token_id: 1,
        unk_token: 'unknown1234',
        tokens: ['hello', 'world'],
        token: 'internationalization',
        tokenizer: 'bert-base-uncased-v2',
        key: hex(64),
        cache_key: hex(64),
        secret: null,
        use_auth_token: true,
        password_length: 12,
        auth: 'basic',
        private_key: './keys/id.pem',
        commit: hex(40),
        uuid: '7df9e651-eee4-41ed-9d03-846f3bbbecdf',
        lr: 0.001,
        empty_password: '',
      };

      expect(masker.maskValue('params', value)).toEqual(value);
    });

    it('keeps a key named __proto__', () => {
      const value = JSON.parse('{"__proto__":{"password":"abc"}}');

      expect(JSON.stringify(masker.maskValue('x', value))).toBe('{"__proto__":{"password":"***"}}');
    });

    it('counts only masked secrets', () => {
      const before = masker.maskedCount;

      masker.maskValue('x', { a: 1, b: 'text', c: null });
      const between = masker.maskedCount;
      masker.maskValue('x', { password: 'abc', d: 'first-value first-value', e: '***' });

      expect(between - before).toBe(0);
      expect(masker.maskedCount - between).toBe(3);
    });
  });

  describe('maskArguments', () => {
    const masker = createMasker({ A_SECRET: 'first-value' });

    it.each<[string[], string[]]>([
      [
        ['train.js', '--token', 'abc', '--epochs', '3'],
        ['train.js', '--token', '***', '--epochs', '3'],
      ],
      [['--password=x'], ['--password=***']],
      [['--db.password=x y'], ['--db.password=***']],
      [['FOO_SECRET=x'], ['FOO_SECRET=***']],
      [
        ['--env', 'FOO_SECRET=x'],
        ['--env', 'FOO_SECRET=***'],
      ],
      [
        ['-api-key', 'abc'],
        ['-api-key', '***'],
      ],
      [
        ['--password', '123456'],
        ['--password', '***'],
      ],
      [
        ['-u', 'bob:hunter2'],
        ['-u', 'bob:***'],
      ],
      [
        ['--user', '1000:1000'],
        ['--user', '1000:1000'],
      ],
      [
        ['-u', 'app', '-p', 'hunterhunter', '-P', '8080'],
        ['-u', 'app', '-p', '***', '-P', '8080'],
      ],
      [
        ['-p', '8080', '-P', 'word'],
        ['-p', '8080', '-P', 'word'],
      ],
      [
        ['-H', `Authorization: Bearer ${random(20)}`],
        ['-H', 'Authorization: Bearer ***'],
      ],
      [
        ['--config', '{"password":"abcd"}'],
        ['--config', '{"password":"***"}'],
      ],
      [
        ['x', 'first-value'],
        ['x', '***'],
      ],
      [['--url=https://a:hunter2@h/'], ['--url=https://a:***@h/']],
      [
        [
          '--no-password',
          'x1',
          '--password-file',
          '/run/x',
          '--max-tokens',
          '12',
          '--tokenizer',
          'bert',
          '--auth',
          'basic',
        ],
        [
          '--no-password',
          'x1',
          '--password-file',
          '/run/x',
          '--max-tokens',
          '12',
          '--tokenizer',
          'bert',
          '--auth',
          'basic',
        ],
      ],
      [
        ['--token', '--verbose', 'file'],
        ['--token', '--verbose', 'file'],
      ],
      [
        ['--pad-token', '<pad>', '--lr=0.1', 'a=b', 'path/to=x', '--seed', '42'],
        ['--pad-token', '<pad>', '--lr=0.1', 'a=b', 'path/to=x', '--seed', '42'],
      ],
    ])('turns %j into %j', (argv, expected) => {
      expect(masker.maskArguments(argv)).toEqual(expected);
    });
  });
});

describe('createLineMasker', () => {
  it('replaces a private key in several lines with one line of ***', () => {
    const mask = createLineMasker(createMasker({}));
    const lines = ['before', ...PRIVATE_KEY.split('\n'), 'after password=hunter2'];

    expect(lines.map(mask)).toEqual(['before', '***', '', '', '', '', 'after password=***']);
  });

  it('continues after a truncated key', () => {
    const mask = createLineMasker(createMasker({}));

    expect(['-----BEGIN PRIVATE KEY-----', KEY_BODY[0]!, 'epoch 1: loss 2'].map(mask)).toEqual([
      '***',
      '',
      'epoch 1: loss 2',
    ]);
  });
});
