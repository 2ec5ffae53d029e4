export const S3_ACCESS_KEY_ID: string;
export const S3_SECRET_ACCESS_KEY: string;
export const S3_REGION: string;

export function toS3ServerCommand(options: { port: number; home: string }): {
  args: string[];
  env: NodeJS.ProcessEnv;
};
export function toS3Env(endpoint: string, home: string): Record<string, string>;
