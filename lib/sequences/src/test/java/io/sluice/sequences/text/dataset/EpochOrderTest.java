package io.sluice.sequences.text.dataset;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.sequences.dataset.Dealing;
import java.util.HashSet;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class EpochOrderTest {
  private static final Dealing DEALING = new Dealing(4, 2, 1);
  private static final int BATCHES = 8;
  private static final int POOL = 4 * BATCHES;

  @ParameterizedTest
  @ValueSource(longs = {1, 31, 32, 33, 64, 1000})
  void eachDocumentHasOnePosition(long documents) {
    var order = new EpochOrder(documents, BATCHES, DEALING, 3);

    var seen = new HashSet<Long>();
    LongStream.range(0, documents).forEach(p -> seen.add(order.document(p)));

    assertThat(seen)
        .hasSize((int) documents)
        .allSatisfy(d -> assertThat(d).isBetween(0L, documents - 1));
  }

  @Test
  void aBatchLiesInOnePoolAndAPoolIsAStretchOfDocuments() {
    var order = new EpochOrder(1000, BATCHES, DEALING, 3);

    for (long p = 0; p < 1000; p++) {
      int q = order.poolOf(p);
      assertThat(order.document(p))
          .isBetween(order.firstOf(q), order.firstOf(q) + order.sizeOf(q) - 1);
      assertThat(p).isLessThan(order.endOf(q));
    }
    assertThat(POOL % DEALING.batchSize()).isZero();
    assertThat(order.sizeOf(order.poolOf(999))).isEqualTo(1000 % POOL);
  }

  @Test
  void theShortPoolIsAnotherEachEpoch() {
    var first = new HashSet<Long>();
    for (int epoch = 0; epoch < 30; epoch++) {
      var order = new EpochOrder(1000, BATCHES, DEALING, epoch);
      first.add(order.firstOf(order.poolOf(999)));
    }

    assertThat(first).hasSizeGreaterThan(10);
  }
}
