export function peersDirectory(): string;
