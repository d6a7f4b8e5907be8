package io.sluice.sequences.lake;

import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.UUID;

/**
 * Who holds a lock: the content of its file.
 *
 * @param lockId unique to this holding of the lock
 * @param runId the run that holds it
 * @param host its machine
 * @param processes what tells process numbers of different containers on one host apart; empty
 *     where the system does not say
 * @param pid its process number
 * @param startedAt ISO 8601
 */
record LockHolder(
    String lockId, String runId, String host, String processes, long pid, String startedAt) {

  static LockHolder self(String runId) {
    return new LockHolder(
        UUID.randomUUID().toString(),
        runId,
        hostName(),
        processNamespace(),
        ProcessHandle.current().pid(),
        Instant.now().toString());
  }

  /** True only where this machine can tell: the process ran here and is gone. */
  boolean isKnownDead() {
    return !processes.isEmpty()
        && processes.equals(processNamespace())
        && host.equals(hostName())
        && ProcessHandle.of(pid).isEmpty();
  }

  @Override
  public String toString() {
    return "run %s on host %s (process %d, since %s)".formatted(runId, host, pid, startedAt);
  }

  private static String hostName() {
    try {
      return InetAddress.getLocalHost().getHostName();
    } catch (UnknownHostException e) {
      return e.getMessage(); // "name: name or service not known": still tells machines apart
    }
  }

  private static String processNamespace() {
    try {
      return Files.readSymbolicLink(Path.of("/proc/self/ns/pid")).toString();
    } catch (IOException | UnsupportedOperationException e) {
      return ""; // not Linux: a dead holder is then known by its age alone
    }
  }
}
