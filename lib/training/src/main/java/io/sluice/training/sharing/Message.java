package io.sluice.training.sharing;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.failure.ExitStatus;
import io.sluice.training.loop.RunObserver;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * What the driver and the ranks of one attempt say to each other, as JSON. The kinds are these and
 * no others: a name from the network never becomes a class.
 */
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "kind")
@JsonSubTypes({
  @JsonSubTypes.Type(value = Message.Joined.class, name = "joined"),
  @JsonSubTypes.Type(value = Message.Begin.class, name = "begin"),
  @JsonSubTypes.Type(value = Message.Steps.class, name = "steps"),
  @JsonSubTypes.Type(value = Message.Epoch.class, name = "epoch"),
  @JsonSubTypes.Type(value = Message.MayWrite.class, name = "may-write"),
  @JsonSubTypes.Type(value = Message.WriteAnswer.class, name = "write-answer"),
  @JsonSubTypes.Type(value = Message.Checkpointed.class, name = "checkpointed"),
  @JsonSubTypes.Type(value = Message.Warned.class, name = "warned"),
  @JsonSubTypes.Type(value = Message.Done.class, name = "done"),
  @JsonSubTypes.Type(value = Message.Failed.class, name = "failed"),
  @JsonSubTypes.Type(value = Message.Stop.class, name = "stop"),
  @JsonSubTypes.Type(value = Message.Abort.class, name = "abort")
})
sealed interface Message {
  ObjectMapper JSON = new ObjectMapper();

  /**
   * A rank is there.
   *
   * @param addresses where its peers reach it, for each group that it is in
   * @param device that it computes on, as a person reads it
   * @param complaint why that is not what was assigned to it; null if it is
   */
  record Joined(
      int rank,
      List<String> addresses,
      String executor,
      String host,
      String device,
      String complaint)
      implements Message {}

  /**
   * All ranks are there: find each other.
   *
   * @param addresses by rank
   */
  record Begin(List<List<String>> addresses) implements Message {}

  /** Rank 0 tells of steps. */
  record Steps(RunObserver.StepsDone done) implements Message {}

  /** Rank 0 tells of an epoch. */
  record Epoch(RunObserver.EpochDone done) implements Message {}

  /** Rank 0 asks whether the run may still write checkpoints. */
  record MayWrite() implements Message {}

  /**
   * @param refusal why it may not; null if it may
   */
  record WriteAnswer(String refusal) implements Message {}

  /** Rank 0 has written a checkpoint. */
  record Checkpointed(String uri) implements Message {}

  /** Something that a person who watches the driver must know. */
  record Warned(int rank, String text) implements Message {}

  /** A rank has come to the end of the run. */
  record Done(int rank) implements Message {}

  /**
   * A rank ends with a failure.
   *
   * @param ofPeer whether it is another rank's, which this one only noticed
   * @param status of a failure that is the user's to mend, which no other attempt would; null
   * @param trace for the log
   */
  record Failed(int rank, boolean ofPeer, ExitStatus status, String message, String trace)
      implements Message {}

  /** The driver asks for a checkpoint and an end. */
  record Stop() implements Message {}

  /** The driver gives the attempt up. */
  record Abort(String reason) implements Message {}

  /** UTF-8 JSON. */
  default ByteBuffer bytes() {
    try {
      return ByteBuffer.wrap(JSON.writeValueAsBytes(this));
    } catch (IOException e) {
      throw new IllegalStateException("a record of numbers and text is JSON", e);
    }
  }

  /**
   * @throws IOException if it is none of the kinds
   */
  static Message of(ByteBuffer bytes) throws IOException {
    return JSON.readValue(StandardCharsets.UTF_8.decode(bytes).toString(), Message.class);
  }
}
