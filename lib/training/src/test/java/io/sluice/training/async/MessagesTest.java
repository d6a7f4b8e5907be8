package io.sluice.training.async;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.nd4j.common.primitives.Optional;
import org.nd4j.common.util.SerializationUtils;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.parameterserver.distributed.v2.chunks.VoidChunk;
import org.nd4j.parameterserver.distributed.v2.enums.MeshBuildMode;
import org.nd4j.parameterserver.distributed.v2.messages.VoidMessage;
import org.nd4j.parameterserver.distributed.v2.messages.impl.GradientsUpdateMessage;
import org.nd4j.parameterserver.distributed.v2.messages.impl.MeshUpdateMessage;
import org.nd4j.parameterserver.distributed.v2.messages.pairs.handshake.HandshakeRequest;
import org.nd4j.parameterserver.distributed.v2.messages.pairs.handshake.HandshakeResponse;
import org.nd4j.parameterserver.distributed.v2.messages.pairs.params.ModelParametersMessage;
import org.nd4j.parameterserver.distributed.v2.messages.pairs.ping.PingMessage;
import org.nd4j.parameterserver.distributed.v2.util.MeshOrganizer;

class MessagesTest {
  private static final long LIMIT = 100_000;

  @SuppressWarnings("deprecation") // the constructor that dl4j-spark calls
  private static MeshOrganizer mesh() {
    var mesh = new MeshOrganizer(MeshBuildMode.PLAIN);
    mesh.getRootNode().setId("driver");
    mesh.addNode("one");
    mesh.addNode("two");
    return mesh;
  }

  @Test
  void readsWhatTheParameterServerSends() throws IOException {
    List<VoidMessage> messages =
        List.of(
            new HandshakeRequest(),
            HandshakeResponse.builder().mesh(mesh()).build(),
            new MeshUpdateMessage(mesh()),
            new PingMessage(),
            new ModelParametersMessage("parameters", Nd4j.ones(3)),
            new GradientsUpdateMessage("update", Nd4j.createFromArray(1, 2, 3)));

    for (VoidMessage message : messages) {
      VoidMessage read = Messages.read(SerializationUtils.toByteArray(message));
      assertThat(read).hasSameClassAs(message);
    }
  }

  @Test
  void refusesEveryOtherClass() {
    var list = new ArrayList<Object>(List.of(new Random()));

    assertThatThrownBy(() -> Messages.read(SerializationUtils.toByteArray(list)))
        .hasMessage("it has a java.util.Random");
    assertThatThrownBy(() -> Messages.read(SerializationUtils.toByteArray(new ArrayList<>())))
        .hasMessage("it is a java.util.ArrayList");
    assertThatThrownBy(() -> Messages.read(new byte[] {1, 2, 3})).isInstanceOf(IOException.class);
  }

  @Test
  void joinsChunksInWhateverOrderTheyCome() {
    INDArray update = Nd4j.arange(5000).castTo(DataType.INT32);
    var messages = new Messages(LIMIT);
    var chunks =
        new ArrayList<>(messages.split(new GradientsUpdateMessage("update", update), 1000));
    Collections.shuffle(chunks, new Random(3));

    assertThat(chunks).hasSizeGreaterThan(20);
    for (VoidChunk chunk : chunks.subList(1, chunks.size())) {
      assertThat(messages.merge(chunk, LIMIT).isPresent()).isFalse();
    }
    Optional<GradientsUpdateMessage> joined = messages.merge(chunks.get(0), LIMIT);
    assertThat(joined.get().getPayload()).isEqualTo(update);
  }

  @Test
  void holdsNoMoreOfIncompleteMessagesThanItMay() {
    var messages = new Messages(LIMIT);
    messages.merge(firstOfTwo("one"), LIMIT);

    assertThatThrownBy(() -> messages.merge(firstOfTwo("two"), LIMIT))
        .hasMessage(
            "Incomplete messages hold 60,000 bytes, at most 100,000 may be held; refused one more from stranger");
  }

  private static VoidChunk firstOfTwo(String id) {
    return VoidChunk.builder()
        .originalId(id)
        .originatorId("stranger")
        .totalSize(60_000)
        .numberOfChunks(2)
        .payload(new byte[1])
        .build();
  }

  @Test
  void refusesAMessageLongerThanAnyThatIsExpected() {
    var huge =
        VoidChunk.builder()
            .originalId("x")
            .originatorId("stranger")
            .totalSize(LIMIT + 1)
            .numberOfChunks(1)
            .payload(new byte[1])
            .build();

    assertThatThrownBy(() -> new Messages(LIMIT).merge(huge, LIMIT))
        .hasMessage("A message of 100,001 bytes, at most 100,000 are expected from stranger");
  }
}
