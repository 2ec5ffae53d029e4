/**
 * Finds secrets in the places where command lines, files of credentials and connection strings have them, without a name and `=`. Pure.
 *
 * Every expression is bounded in length or restricts the preceding character, so that matching takes linear time for any text.
 */

import { isBoring, isMasked } from './secret-names.js';

interface Place {
  /** A quick test for the line. */
  readonly hint: RegExp;
  /** Group 1 is the text before the secret, group 2 the secret. */
  readonly form: RegExp;
  /** Whether a text after the form says that the value is no secret. */
  readonly isOrdinary?: (before: string, value: string) => boolean;
}

const WORD = `[^\\s"'\`|&;<>]`;
/** The commands whose `-p` takes a password that follows at once, or with a space. */
const MYSQL = '(?:mysql|mysqldump|mysqladmin|mysqlimport|mysqlsh|mariadb|mariadb-dump|mycli)';
const AFTER_COMMAND = '[^\\n|;&]{0,200}?\\s';

const PLACES: readonly Place[] = [
  {
    // curl -u user:password, --user=user:password, http -a user:password
    hint: /(?:-u|-U|--user|--proxy-user|-a|--auth)(?:[ =]|")/,
    form: /(?<![\w-])((?:-u|-U|--user|--proxy-user|-a|--auth)(?:[ \t]{1,4}|=|[ \t]{0,4}(?=["']))["']?[^\s:"'/]{1,128}:)([^\s"']{3,256})/g,
    // docker run -u node:node
    isOrdinary: (before, value) => /^[\d:]+$/.test(value) || before.endsWith(` ${value}:`),
  },
  {
    hint: /curl/,
    form: new RegExp(`((?<![\\w.-])curl(?=\\s)${AFTER_COMMAND}-u[^\\s:"']{1,128}:)([^\\s"']{3,256})`, 'g'),
  },
  {
    hint: /\b(?:my|maria)/,
    form: new RegExp(`(?<![\\w.-])(${MYSQL}(?=\\s)${AFTER_COMMAND}-p["']?)(${WORD}{2,256})`, 'g'),
    isOrdinary: (_, value) => /^(?:rotocol|ort|lugin|ager|rint)/.test(value),
  },
  {
    // sshpass -p x, docker login -p x, unzip -P x, redis-cli -a x, ldapsearch -w x, sqlcmd -P x
    hint: /\b(?:sshpass|login|zip|7z|redis-cli|valkey-cli|ldap|mosquitto|sqlcmd|bcp|mongo|cqlsh|influx|clickhouse|expect|xfreerdp|ansible|wget|psql)/,
    form: new RegExp(
      `(?<![\\w.-])((?:sshpass|(?:docker|podman|nerdctl|helm registry|az acr|oc|cf|heroku|argocd|vault|npm|gh|nexus)[ \\t]{1,4}login|unzip|zip|7z|redis-cli|valkey-cli|ldap\\w{2,10}|mosquitto_\\w{3}|sqlcmd|bcp|mongo\\w{0,10}|cqlsh|influx|clickhouse-client)(?=\\s)${AFTER_COMMAND}(?:-p|-P|-a|-w|--pass)(?:[ \\t]{1,4}|=)["']?)(?!-)(${WORD}{2,256})`,
      'g',
    ),
    isOrdinary: (before, value) =>
      /^[\d.:]+$/.test(value) || (/-a["' =\t]+$/.test(before) && !/(?:redis|valkey)-cli/.test(before)),
  },
  {
    // Any command with a user and a password: -u app -p secret
    hint: /\s-[uU][ =]/,
    form: new RegExp(
      `((?:^|\\s)-[uU](?:[ \\t]{1,4}|=)${WORD}{1,128}[ \\t]{1,4}(?:-\\w[ \\t]{1,4}${WORD}{1,128}[ \\t]{1,4}){0,3}-[pP](?:[ \\t]{1,4}|=)["']?)(?!-)(${WORD}{2,256})`,
      'g',
    ),
    isOrdinary: (_, value) => /^[\d.:]+$/.test(value),
  },
  { hint: /smbclient|mount\.cifs|curlftpfs/, form: /(-U[ \t]{0,4}["']?[^\s%"']{1,128}%)([^\s"']{2,256})/g },
  {
    hint: /sqlplus|rman|expdp|impdp/,
    form: /(\b(?:sqlplus|rman|expdp|impdp)\s[^\n]{0,60}?[^\s/@]{1,64}\/)([^\s/@"']{2,128})(?=@)/g,
  },
  { hint: /jdbc:oracle/, form: /(jdbc:oracle:\w{1,10}:[^\s/@:]{1,64}\/)([^\s/@"']{2,128})(?=@)/g },
  // A line of .netrc, and "login x password y"
  {
    hint: /password|passwd/,
    form: /((?:^|\n)[ \t]{0,16}passw(?:or)?d[ \t]{1,8})([^\s"'`]{3,256})(?=[ \t]{0,8}(?:\r?\n|$))/g,
  },
  { hint: /login/, form: /((?<![\w.])login\s{1,4}[^\s]{1,256}\s{1,4}password\s{1,4})([^\s]{1,1024})/g },
  // .pgpass: host:port:database:user:password
  {
    hint: /:(?:54\d\d|6432|\*):/,
    form: /((?:^|\n)[^\s:]{1,253}:(?:54\d\d|6432|\*):[^\s:]{1,64}:[^\s:]{1,64}:)([^\s]{2,256})/g,
  },
  // <password>…</password>
  {
    hint: /<\//,
    form: /(<(?:[\w.:-]{0,40}?)(?:[Pp]ass(?:word|wd|phrase)?|[Ss]ecret|[Tt]oken|[Aa]pi-?_?[Kk]ey|[Aa]ccess-?_?[Kk]ey|[Pp]rivate-?_?[Kk]ey)>)([^<\n]{3,1024})(?=<\/)/g,
  },
  {
    hint: /value=/,
    form: /((?:key|name)="[\w.:-]{0,60}(?:[Pp]ass(?:word|wd)?|[Ss]ecret|[Tt]oken|[Aa]pi-?_?[Kk]ey)"\s{1,8}value=")([^"\n]{3,1024})/g,
  },
  { hint: /pass:/, form: /(\s-(?:pass|passin|passout)[ \t]{1,4}["']?pass:)([^\s"']{3,256})/g },
  { hint: /sshpass/, form: /((?<![\w.-])sshpass[ \t]{1,4}-p["']?)([^\s"'-][^\s"']{2,256})/g },
  // Identified by 'x', PASSWORD 'x' (SQL)
  {
    hint: /identified|password/i,
    form: /(\b(?:identified\s{1,4}by|(?:with|set)\s{1,4}(?:encrypted\s{1,4})?password|\bencrypted\s{1,4}password)\s{1,4}["'])([^"'\n]{3,256})(?=["'])/gi,
  },
];

/** A quick test that most lines do not pass. */
const ANY_HINT =
  /\s-|value="|passw|login|sqlplus|rman|impdp|expdp|jdbc:oracle|<\/|identified|:(?:54\d\d|6432|\*):/i;

/** Masks the secrets of command lines and files of credentials. `mask` returns the replacement. */
export function maskPlaces(text: string, mask: () => string): string {
  if (!ANY_HINT.test(text)) return text;
  let masked = text;
  for (const { hint, form, isOrdinary } of PLACES) {
    if (!hint.test(masked)) continue;
    masked = masked.replace(form, (all, before: string, value: string) =>
      isMasked(value) || isBoring(value) || isOrdinary?.(before, value) === true ? all : before + mask(),
    );
  }
  return masked;
}
