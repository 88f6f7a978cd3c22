/** The version of this program; the build puts in the one of package.json. */
declare const GANTRY_VERSION: string | undefined;

export const version = typeof GANTRY_VERSION === 'string' ? GANTRY_VERSION : '0.1.0';
