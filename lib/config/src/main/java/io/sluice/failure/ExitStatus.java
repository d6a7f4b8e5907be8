package io.sluice.failure;

/** The exit statuses of every job, the same for all of them. */
public enum ExitStatus {
  /** The job did all of its work. */
  DONE(0),
  /** Anything that no other status describes: a defect, an outage, a lost cluster. */
  FAILED(1),
  /** Bad settings or bad usage: change the file or the command line. */
  BAD_SETTINGS(2),
  /** Input data is missing, unreadable or breaks its contract. */
  BAD_INPUT(3),
  /** The work was done and a quality gate refused its result. */
  GATE_REFUSED(4),
  /** The cluster cannot hold the job: slots, memory, devices. */
  CLUSTER_TOO_SMALL(5);

  private final int code;

  ExitStatus(int code) {
    this.code = code;
  }

  /** The number the process exits with. */
  public int code() {
    return code;
  }
}
