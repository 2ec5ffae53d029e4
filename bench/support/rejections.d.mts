export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
}

export interface RejectionRow {
  readonly name: string;
  readonly status: number;
  readonly code: string;
  readonly isIn: (request: SeenRequest) => boolean;
}

export const REJECTIONS: readonly RejectionRow[];
export function toErrorBody(code: string): string;
