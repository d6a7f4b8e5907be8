package io.sluice.training.transport;

import java.io.Serializable;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.Objects;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * What the members of one run share. The driver makes it and hands it to its tasks, through Spark's
 * own channels; who holds it belongs to the run.
 *
 * @param runId names the run, or the attempt of it, in messages; no secret
 * @param secret at least 16 bytes
 */
public record GroupKey(String runId, byte[] secret) implements Serializable {
  static final int PROOF_BYTES = 32;
  private static final int MIN_SECRET_BYTES = 16;
  private static final SecureRandom RANDOM = new SecureRandom();

  public GroupKey {
    Objects.requireNonNull(runId, "runId");
    if (secret.length < MIN_SECRET_BYTES) {
      throw new IllegalArgumentException(
          "secret has %d bytes, expected at least %d".formatted(secret.length, MIN_SECRET_BYTES));
    }
    secret = secret.clone();
  }

  /** A key that no other run has. */
  public static GroupKey create(String runId) {
    return new GroupKey(runId, random(32));
  }

  @Override
  public byte[] secret() {
    return secret.clone();
  }

  /** HMAC-SHA256 over the parts, each behind its length. */
  byte[] prove(byte[]... parts) {
    try {
      Mac mac = Mac.getInstance("HmacSHA256");
      mac.init(new SecretKeySpec(secret, "HmacSHA256"));
      update(mac, runId.getBytes(StandardCharsets.UTF_8));
      for (byte[] part : parts) {
        update(mac, part);
      }
      return mac.doFinal();
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("HmacSHA256, which every Java has, is missing", e);
    }
  }

  private static void update(Mac mac, byte[] part) {
    mac.update(ByteBuffer.allocate(Integer.BYTES).putInt(part.length).flip());
    mac.update(part);
  }

  static byte[] random(int bytes) {
    byte[] random = new byte[bytes];
    RANDOM.nextBytes(random);
    return random;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof GroupKey key
        && runId.equals(key.runId)
        && Arrays.equals(secret, key.secret);
  }

  @Override
  public int hashCode() {
    return runId.hashCode();
  }

  /** Without the secret: keys end up in logs. */
  @Override
  public String toString() {
    return "GroupKey[" + runId + "]";
  }
}
