/** Self-signed certificates for test servers, with the validity and names that a test needs. */

import { generateKeyPairSync, sign } from 'node:crypto';

export interface Certificate {
  /** PEM. */
  readonly cert: string;
  /** PEM. */
  readonly key: string;
}

/**
 * Creates a self-signed certificate for an address and a name.
 *
 * Source: RFC 5280 §4.1 for its fields, §4.2.1.6 for its names; RFC 5758 §3.2 for its signature.
 */
export function createCertificate(
  options: { name?: string; address?: string; from?: Date; to?: Date } = {},
): Certificate {
  const {
    name = 'localhost',
    address = '127.0.0.1',
    from = daysFromNow(-400),
    to = daysFromNow(400),
  } = options;
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const algorithm = sequence(objectId([0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02])); // ecdsa-with-SHA256
  const commonName = objectId([0x55, 0x04, 0x03]);
  const who = sequence(der(0x31, sequence(commonName, der(0x0c, Buffer.from(`a test, ${name}`)))));
  const names = sequence(
    der(0x82, Buffer.from(name)),
    der(0x87, Buffer.from(address.split('.').map(Number))),
  );
  const isAuthority = sequence(der(0x01, Buffer.from([0xff])));
  const extensions = sequence(
    sequence(objectId([0x55, 0x1d, 0x11]), der(0x04, names)),
    sequence(objectId([0x55, 0x1d, 0x13]), der(0x01, Buffer.from([0xff])), der(0x04, isAuthority)),
  );
  const content = sequence(
    der(0xa0, integer(2)), // version 3
    integer(1 + Math.floor(Math.random() * 0x7fffffff)),
    algorithm,
    who,
    sequence(time(from), time(to)),
    who,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, extensions),
  );
  const signature = der(0x03, Buffer.concat([Buffer.from([0]), sign('sha256', content, privateKey)]));
  const bytes = sequence(content, algorithm, signature);
  const lines = bytes.toString('base64').replace(/.{64}/g, '$&\n');
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

export function daysFromNow(days: number): Date {
  return new Date(Date.now() + days * 24 * 3_600_000);
}

/** Encodes a DER value with a length of up to two bytes. Source: ITU-T X.690 §8.1. */
function der(tag: number, content: Buffer): Buffer {
  const { length } = content;
  const head =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...head]), content]);
}

function sequence(...items: Buffer[]): Buffer {
  return der(0x30, Buffer.concat(items));
}

function objectId(bytes: number[]): Buffer {
  return der(0x06, Buffer.from(bytes));
}

function integer(value: number): Buffer {
  const bytes = Buffer.alloc(5);
  bytes.writeUInt32BE(value, 1);
  const start = bytes.findIndex((byte) => byte !== 0);
  return der(0x02, bytes.subarray(bytes[start]! >= 0x80 ? start - 1 : start));
}

/** GeneralizedTime. */
function time(date: Date): Buffer {
  return der(0x18, Buffer.from(`${date.toISOString().replace(/[-:T]/g, '').slice(0, 14)}Z`));
}
