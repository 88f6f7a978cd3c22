/** A content descriptor of the OCI image specification 1.1. */
export interface Descriptor {
  readonly mediaType: string;
  /** `sha256:HEX` of the content. */
  readonly digest: string;
  /** Exact size of the content in bytes. */
  readonly size: number;
  readonly platform?: Platform;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly artifactType?: string;
}

export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
  readonly 'os.version'?: string;
}

/** An OCI image manifest or its Docker schema 2 twin. */
export interface ImageManifest {
  readonly schemaVersion: 2;
  readonly mediaType?: string;
  readonly artifactType?: string;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
  readonly subject?: Descriptor;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** An OCI image index or a Docker manifest list. */
export interface ImageIndex {
  readonly schemaVersion: 2;
  readonly mediaType?: string;
  readonly manifests: readonly Descriptor[];
  readonly annotations?: Readonly<Record<string, string>>;
}

/** The `config` section of an image configuration: what a container starts with unless its pod says otherwise. */
export interface ImageConfig {
  readonly User?: string;
  readonly Env?: readonly string[];
  readonly Entrypoint?: readonly string[];
  readonly Cmd?: readonly string[];
  readonly WorkingDir?: string;
  readonly ExposedPorts?: Readonly<Record<string, object>>;
  readonly Volumes?: Readonly<Record<string, object>>;
  readonly Labels?: Readonly<Record<string, string>>;
  readonly StopSignal?: string;
}

/** The whole image configuration document. */
export interface ImageConfigFile {
  readonly created?: string;
  readonly author?: string;
  readonly architecture: string;
  readonly os: string;
  readonly variant?: string;
  readonly config?: ImageConfig;
  readonly rootfs: { readonly type: 'layers'; readonly diff_ids: readonly string[] };
  readonly history?: readonly HistoryEntry[];
}

export interface HistoryEntry {
  readonly created?: string;
  readonly created_by?: string;
  readonly author?: string;
  readonly comment?: string;
  readonly empty_layer?: boolean;
}

/** An image that is complete in the store: every layer verified and unpacked. */
export interface Image {
  /** The normalized name it was asked for, e.g. `docker.io/library/nginx:1.27`. */
  readonly reference: string;
  /** Digest of what the reference named: the index for a multi-platform image, else the manifest. */
  readonly digest: string;
  /** Digest of the image configuration, the image's identity as `docker images` shows it. */
  readonly imageId: string;
  readonly config: ImageConfig;
  /** Unpacked layers, topmost first, ready for overlayfs `lowerdir`. */
  readonly layerDirs: readonly string[];
  /** Bytes of the compressed layers and the configuration. */
  readonly sizeBytes: number;
  readonly platform: Platform;
}

/** How a layer is kept: as the files it unpacks to, or as one read-only EROFS image file that is mounted. */
export type LayerFormat = 'directory' | 'erofs';

/** `Always` asks the registry each time, `IfNotPresent` only when the store has no such name, `Never` not at all. */
export type PullPolicy = 'Always' | 'IfNotPresent' | 'Never';

/** Credentials for one registry host, or for a prefix of its repositories (`host/path`). */
export interface RegistryAuth {
  /** `docker.io`, `registry.example:5000`, `registry.example/team`. */
  readonly registry: string;
  readonly username?: string;
  readonly password?: string;
  /** A refresh token that is exchanged at the registry's token server. */
  readonly identityToken?: string;
  /** A bearer token that is sent as it is. */
  readonly registryToken?: string;
}

/** How one registry is reached, keyed by its host (`docker.io`, `registry.example:5000`) in RegistryConfig. */
export interface RegistryHostConfig {
  /** Asked first, in order, each `host[:port][/prefix]`; the registry itself comes last. */
  readonly mirrors?: readonly string[];
  /** Do not fall back to the registry itself when every mirror failed. */
  readonly mirrorsOnly?: boolean;
  /** Plain http; without it only loopback addresses are spoken to in clear. */
  readonly plainHttp?: boolean;
  /** Certificates in PEM that are trusted besides the system's. */
  readonly ca?: string;
  readonly auth?: Omit<RegistryAuth, 'registry'>;
}

/** The node-wide registry configuration. */
export type RegistryConfig = Readonly<Record<string, RegistryHostConfig>>;

export type PullPhase = 'resolving' | 'pulling' | 'done';

/** What a pull is doing now; the numbers only grow, and arrive at most ten times a second and once at the end. */
export interface PullProgress {
  readonly reference: string;
  readonly phase: PullPhase;
  readonly layersTotal: number;
  /** Layers that are verified and unpacked, among them those the store already had. */
  readonly layersDone: number;
  /** Layers that need no download because the store has them. */
  readonly layersPresent: number;
  /** Bytes to download, without the layers that were present; 0 while resolving. */
  readonly bytesTotal: number;
  readonly bytesDone: number;
  /** Mean over the last seconds, in bytes per second. */
  readonly bytesPerSecond: number;
  /** Only while pulling and once a rate is known. */
  readonly secondsLeft?: number;
  /** Why nothing moves, e.g. `waiting for a download slot (3 in use)` or `registry answered 429, again in 5 s`. */
  readonly waiting?: string;
  /** Milliseconds since the pull began. */
  readonly elapsedMs: number;
}

export interface PullOptions {
  /** Default: `Always` for the tag `latest`, else `IfNotPresent`. */
  readonly policy?: PullPolicy;
  /** Tried before the node-wide credentials; the longest matching `registry` wins. */
  readonly auth?: readonly RegistryAuth[];
  /** Stops this caller's wait; the pull itself stops when no caller waits for it any more. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: PullProgress) => void;
}
