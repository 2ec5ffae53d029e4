/** The hex vectors of the format description (sections 1 and 2), encoded or decoded here. Golden bytes cover more of each kind. */

import { describe, expect, it } from 'vitest';
import { decodeRecord, encodeRecord } from '../../../src/format/record/record-codec.js';
import { decodeEvent } from '../../../src/format/wire/decode-event.js';
import {
  encodeEvent,
  encodeMetadata,
  encodeTensor,
  joinPieces,
  type Pieces,
} from '../../../src/format/wire/encode-event.js';
import { tensorboard } from '../../../src/format/wire/generated/plugins.js';
import { DataClass, DataType, type Event, type SummaryValue } from '../../../src/format/wire/messages.js';

const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const joined = (pieces: Pieces): string => hexOf(joinPieces(pieces));

const loss = (value: NonNullable<SummaryValue['value']>, step: number | bigint, isTensor = false): Event => ({
  wallTime: 1.5,
  step,
  what: {
    kind: 'summary',
    values: [
      {
        tag: 'loss',
        value,
        ...(isTensor ? { metadata: { pluginName: 'scalars', dataClass: DataClass.SCALAR } } : {}),
      },
    ],
  },
});
const simple = { kind: 'simpleValue', simpleValue: 0.25 } as const;
const scalarTensor = { dtype: DataType.FLOAT, shape: [] };

describe('records', () => {
  it.each<[string, Event, string]>([
    [
      'A: file_version without a wall time',
      { wallTime: 0, step: 0, what: { kind: 'fileVersion', fileVersion: 'brain.Event:2' } },
      '0f000000000000006d532b091a0d627261696e2e4576656e743a32fc985129',
    ],
    [
      'B: file_version with a writer',
      { wallTime: 1.5, step: 0, what: { kind: 'fileVersion', fileVersion: 'brain.Event:2', writer: 'tt' } },
      '1e00000000000000d9dc123209000000000000f83f1a0d627261696e2e4576656e743a3252040a0274749674f6c2',
    ],
    [
      'C: a legacy scalar',
      loss(simple, 7),
      '1a00000000000000129bd82d09000000000000f83f10072a0d0a0b0a046c6f7373150000803ec9d07b8d',
    ],
    [
      'F: step -1',
      loss(simple, -1),
      '2300000000000000b09f774309000000000000f83f10ffffffffffffffffff012a0d0a0b0a046c6f7373150000803e8bc17486',
    ],
    [
      'G: step 2^53+1',
      loss(simple, 2n ** 53n + 1n),
      '2100000000000000017becf609000000000000f83f1081808080808080102a0d0a0b0a046c6f7373150000803e9e9df61c',
    ],
    [
      'H: SessionLog START',
      { wallTime: 1.5, step: 7, what: { kind: 'sessionLog', status: 1 } },
      '0f000000000000006d532b0909000000000000f83f10073a020801774771c7',
    ],
    [
      'D: a scalar tensor with float_val',
      loss({ kind: 'tensor', tensor: { ...scalarTensor, floatVal: Float32Array.of(0.25) } }, 7, true),
      '300000000000000095f5d05f09000000000000f83f10072a230a210a046c6f7373420a080112002a040000803e4a0d0a090a077363616c61727320012533336c',
    ],
    [
      'E: a scalar tensor with tensor_content',
      loss(
        { kind: 'tensor', tensor: { ...scalarTensor, tensorContent: Buffer.from('0000803e', 'hex') } },
        7,
        true,
      ),
      '300000000000000095f5d05f09000000000000f83f10072a230a210a046c6f7373420a0801120022040000803e4a0d0a090a077363616c6172732001c283e3b9',
    ],
  ])('%s', (_name, event, hex) => {
    expect(hexOf(encodeRecord(joinPieces(encodeEvent(event))))).toBe(hex);
  });

  it("A': an explicit wall time of 0 is read as A is, and framed to its bytes", () => {
    const hex = '1800000000000000a37f4b220900000000000000001a0d627261696e2e4576656e743a32eedf28a3';
    const decoded = decodeRecord(Buffer.from(hex, 'hex'));
    if (decoded.kind !== 'record') throw new Error(decoded.kind);

    expect(decodeEvent(decoded.data)).toEqual({
      wallTime: 0,
      step: 0,
      what: { kind: 'fileVersion', fileVersion: 'brain.Event:2' },
    });
    expect(hexOf(encodeRecord(decoded.data))).toBe(hex);
  });
});

describe('fragments', () => {
  it.each([
    [{ pluginName: 'text', dataClass: DataClass.TENSOR }, '0a060a04746578742002'],
    [{ pluginName: 'images', dataClass: DataClass.BLOB_SEQUENCE }, '0a080a06696d616765732003'],
    [
      { pluginName: 'audio', dataClass: DataClass.BLOB_SEQUENCE, content: Buffer.from('100b', 'hex') },
      '0a0b0a05617564696f1202100b2003',
    ],
    [{ pluginName: 'histograms', dataClass: DataClass.TENSOR }, '0a0c0a0a686973746f6772616d732002'],
  ])('metadata $pluginName', (metadata, hex) => {
    expect(joined(encodeMetadata(metadata))).toBe(hex);
  });

  it.each([
    ['null tensor', { dtype: DataType.FLOAT, shape: [0] }, '080112021200'],
    [
      'string tensor ["a", ""]',
      { dtype: DataType.STRING, shape: [2], stringVal: [Buffer.from('a'), Buffer.from('')] },
      '08071204120208024201614200',
    ],
    [
      'float64 [[0, 1, 2]]',
      {
        dtype: DataType.DOUBLE,
        shape: [1, 3],
        doubleVal: Float64Array.of(0, 1, 2),
      },
      '08021208120208011202080332180000000000000000000000000000f03f0000000000000040',
    ],
  ])('%s', (_name, tensor, hex) => {
    expect(joined(encodeTensor(tensor))).toBe(hex);
  });

  it.each([
    [
      'start { lr = 0.5 }',
      { sessionStartInfo: { hparams: { lr: { numberValue: 0.5 } }, startTimeSecs: 1.5 } },
      '1a1a0a0f0a026c72120911000000000000e03f29000000000000f83f',
    ],
    ['end { SUCCESS }', { sessionEndInfo: { status: 1, endTimeSecs: 2.5 } }, '220b0801110000000000000440'],
    [
      'start { f = false, o = "adam" }',
      { sessionStartInfo: { hparams: { f: { boolValue: false }, o: { stringValue: 'adam' } } } },
      '1a160a070a0166120220000a0b0a016f12061a046164616d',
    ],
  ])('HParams %s', (_name, message, hex) => {
    const { HParamsPluginData } = tensorboard.hparams;
    const data = message as tensorboard.hparams.IHParamsPluginData;
    expect(hexOf(HParamsPluginData.encode(data).finish())).toBe(hex);
  });
});
