export interface WordRule {
  readonly pattern?: string;
  readonly code?: string;
  readonly use: string;
  readonly sample?: string;
  readonly name?: string;
  readonly good?: string;
}

export interface FoundPhrase {
  readonly line: number;
  readonly phrase: string;
  readonly rule: WordRule;
  readonly isIdentifier: boolean;
}

export const RULES: readonly WordRule[];
export function findPhrases(path: string, text: string): FoundPhrase[];
