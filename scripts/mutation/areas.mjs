/** The folders that carry the promises of polytrack, and the tests that a mutant in them must fail, fast ones first. Tests that start the built program see no mutant. */

const SIMULATION = 'test/simulation/simulation.test.ts';

export const AREAS = {
  record: {
    sources: ['src/format/record/*.ts'],
    tests: ['test/format/{record,reader}/**/*.test.ts', 'test/format/writer/event-file-writer.test.ts'],
  },
  writer: {
    sources: ['src/format/writer/*.ts'],
    tests: [
      'test/format/{writer,wire}/**/*.test.ts',
      'test/format/restarts.test.ts',
      'test/{writer,event-log}/**/*.test.ts',
      'test/run/{run,log-values,resume-polyaxon,clocks,traces,planted-links}.test.ts',
      'test/format/{reader,compaction}/**/*.test.ts',
      SIMULATION,
    ],
  },
  'run-directory': {
    sources: ['src/run-directory/*.ts', 'uploader/run-directory/*.ts'],
    tests: [
      'test/{run-directory,uploader/run-directory}/**/*.test.ts',
      'test/run/{run,run-session,artifacts,metadata,alert,find-resumed-run,modes,formats-file,with-run}.test.ts',
      'test/run/{parity-resume,resume-polyaxon,planted-links,artifact-files,announcement,run-environment}.test.ts',
      'test/uploader/engine/{cleaned-run,run-owner,layout,with-state}.test.ts',
      'test/uploader/alerts/*.test.ts',
      'test/uploader/polyaxon-sync/desired-run.test.ts',
      'test/uploader/operations/{run,runs,verify,pull,clean,tensorboard,doctor}/*.test.ts',
      'test/uploader/commands/{status,serve}.test.ts',
      SIMULATION,
    ],
  },
  plan: { sources: ['uploader/pipeline/plan/*.ts'], tests: ['test/uploader/pipeline/plan/**/*.test.ts'] },
  commit: {
    sources: ['uploader/pipeline/commit/*.ts'],
    tests: [
      'test/uploader/pipeline/commit/**/*.test.ts',
      'test/uploader/engine/{cleaned-run,network-file-system,file-evidence,previous-versions}.test.ts',
      'test/uploader/engine/{sync,run-owner,export}.test.ts',
      SIMULATION,
    ],
  },
  journal: {
    sources: ['uploader/pipeline/journal/*.ts'],
    tests: ['test/uploader/pipeline/journal/**/*.test.ts'],
  },
  store: {
    sources: ['uploader/store/base/*.ts'],
    tests: [
      'test/uploader/store/base/{parts-of-stores,part-planner,crc32-combine,body-memory,commit-engine}.test.ts',
      'test/uploader/store/base/{bounds,load-library,source-checksums,http-outcome}.test.ts',
      'test/uploader/engine/{sync,previous-versions}.test.ts',
      SIMULATION,
    ],
  },
  export: {
    sources: ['src/polyaxon/export/*.ts', 'uploader/pipeline/export/*.ts'],
    tests: [
      'test/polyaxon/export/**/*.test.ts',
      'test/uploader/pipeline/export/**/*.test.ts',
      'test/uploader/engine/export.test.ts',
      'test/run/{resume-polyaxon,many-names}.test.ts',
      'test/uploader/commands/{export,import}.test.ts',
    ],
  },
};
