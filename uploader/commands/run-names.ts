/** How users name runs, for the help of all commands that accept one. */

export const RUN_NAMES =
  'its name, the first digits of its uuid, its path, or latest; in another root or a store: <root>/<name>, s3://bucket/prefix/<name>';

/** A run as one of several things that a command accepts as its path. */
export const RUN_PATH = 'a run (its path, name, first digits of the uuid, or latest)';

export const RUN_HELP = `
Names are searched in ./plx-runs, POLYAXON_OFFLINE_ROOT and /tmp/plx/offline, or in the root or store before the last slash. The latest run is the one that was created last. A path that exists is never taken for a name.
`;
