/** Who leads, as a `Lease` of `coordination.k8s.io` has it. */
export interface LeaseRecord {
  /** Empty: nobody. */
  readonly holder: string;
  readonly durationSeconds: number;
  /** RFC 3339 with microseconds. */
  readonly acquireTime: string;
  readonly renewTime: string;
  readonly transitions: number;
}

/** A lease as it is stored. */
export interface StoredLease extends LeaseRecord {
  readonly resourceVersion: string;
}

/** The one lease that replicas compete for. */
export interface LeasePort {
  read(): Promise<StoredLease | undefined>;
  /** Creates it, or changes the one of this resourceVersion; false if somebody else was quicker. */
  write(record: LeaseRecord, resourceVersion: string | undefined): Promise<boolean>;
}
