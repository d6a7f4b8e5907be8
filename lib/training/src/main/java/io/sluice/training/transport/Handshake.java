package io.sluice.training.transport;

import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;

/**
 * The proof of membership, both ways. Each side draws a nonce, so no proof holds twice; the sides
 * prove different things, so none can be sent back.
 *
 * <pre>
 * hello    connecting → accepting   run, name, nonce
 * answer   accepting → connecting   name, nonce, HMAC("accepting", nonces, names), or a refusal
 * proof    connecting → accepting   HMAC("connecting", nonces, names)
 * verdict  accepting → connecting   welcome, or a refusal
 * </pre>
 *
 * <p>The key of each HMAC is the secret of the run, which the run's name is part of too.
 */
final class Handshake {
  /** Longest message, and longest frame of Spark's before it. */
  static final int MAX_BYTES = 4096;

  static final byte WELCOME = 1;
  static final byte REFUSED = 0;

  private static final int MAGIC = 0x534C4332; // "SLC2"
  private static final int NONCE_BYTES = 32;
  private static final int MAX_NAME_BYTES = 1000;
  private static final byte[] ACCEPTING = "accepting".getBytes(StandardCharsets.US_ASCII);
  private static final byte[] CONNECTING = "connecting".getBytes(StandardCharsets.US_ASCII);

  /** A message that no member sends; the message completes "it …". */
  static final class BrokenException extends Exception {
    private static final long serialVersionUID = 1;

    BrokenException(String message) {
      super(message);
    }
  }

  private final GroupKey key;
  private final byte[] ownName;
  private final byte[] ownNonce = GroupKey.random(NONCE_BYTES);
  private byte[] peerName;
  private byte[] peerNonce;

  Handshake(GroupKey key, String self) {
    this.key = key;
    this.ownName = self.getBytes(StandardCharsets.UTF_8);
  }

  String peer() {
    return new String(peerName, StandardCharsets.UTF_8);
  }

  ByteBuffer hello() {
    var message = ByteBuffer.allocate(MAX_BYTES).putInt(MAGIC);
    put(message, key.runId().getBytes(StandardCharsets.UTF_8));
    put(message, ownName);
    put(message, ownNonce);
    return message.flip();
  }

  /** The accepting side: reads a hello and answers it. */
  ByteBuffer answer(ByteBuffer hello) throws BrokenException {
    try {
      if (hello.getInt() != MAGIC) {
        throw new BrokenException("sent something that is no hello");
      }
      String run = new String(take(hello), StandardCharsets.UTF_8);
      if (!run.equals(key.runId())) {
        throw new BrokenException("belongs to run %s, not to %s".formatted(run, key.runId()));
      }
      readPeer(hello);
    } catch (BufferUnderflowException e) {
      throw new BrokenException("sent something that is no hello");
    }
    var message = ByteBuffer.allocate(MAX_BYTES).putInt(MAGIC).put(WELCOME);
    put(message, ownName);
    put(message, ownNonce);
    put(message, key.prove(ACCEPTING, peerNonce, ownNonce, peerName, ownName));
    return message.flip();
  }

  static ByteBuffer refusal(String reason) {
    var message = ByteBuffer.allocate(MAX_BYTES).putInt(MAGIC).put(REFUSED);
    byte[] bytes = reason.getBytes(StandardCharsets.UTF_8);
    return message.put(bytes, 0, Math.min(bytes.length, message.remaining())).flip();
  }

  /** The connecting side: reads the answer to its hello and proves its own membership. */
  ByteBuffer proof(ByteBuffer answer) throws BrokenException {
    try {
      requireWelcome(answer);
      readPeer(answer);
      byte[] proof = take(answer);
      if (!MessageDigest.isEqual(
          proof, key.prove(ACCEPTING, ownNonce, peerNonce, ownName, peerName))) {
        throw new BrokenException("cannot prove that it belongs to run " + key.runId());
      }
    } catch (BufferUnderflowException e) {
      throw new BrokenException("sent something that is no answer to a hello");
    }
    return ByteBuffer.wrap(key.prove(CONNECTING, ownNonce, peerNonce, ownName, peerName));
  }

  /** The accepting side: whether the connecting one belongs to the run. */
  boolean isProvedBy(ByteBuffer proof) {
    byte[] bytes = new byte[proof.remaining()];
    proof.get(bytes);
    return MessageDigest.isEqual(
        bytes, key.prove(CONNECTING, peerNonce, ownNonce, peerName, ownName));
  }

  static ByteBuffer welcome() {
    return ByteBuffer.allocate(Integer.BYTES + 1).putInt(MAGIC).put(WELCOME).flip();
  }

  /** The connecting side: reads the verdict, or the begin of an answer. */
  static void requireWelcome(ByteBuffer verdict) throws BrokenException {
    try {
      if (verdict.getInt() != MAGIC) {
        throw new BrokenException("sent something that is no answer to a hello");
      }
      if (verdict.get() != WELCOME) {
        throw new BrokenException("refused: " + StandardCharsets.UTF_8.decode(verdict));
      }
    } catch (BufferUnderflowException e) {
      throw new BrokenException("sent something that is no answer to a hello");
    }
  }

  private void readPeer(ByteBuffer from) throws BrokenException {
    peerName = take(from);
    peerNonce = take(from);
    if (peerNonce.length != NONCE_BYTES) {
      throw new BrokenException("sent a nonce of %d bytes".formatted(peerNonce.length));
    }
  }

  private static void put(ByteBuffer message, byte[] part) {
    message.putShort((short) part.length).put(part);
  }

  private static byte[] take(ByteBuffer message) throws BrokenException {
    int length = message.getShort();
    if (length < 0 || length > MAX_NAME_BYTES || length > message.remaining()) {
      throw new BrokenException("sent something that is no part of a handshake");
    }
    byte[] part = new byte[length];
    message.get(part);
    return part;
  }
}
