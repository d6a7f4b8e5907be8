package io.sluice.recurrent.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class PlacementSearchTest {
  /** Of blocks whose costs are small whole numbers, so that many placements are equal. */
  private record Costs(int[] seconds, int[] bytes, int[] factors) implements PlacementSearch.Cost {
    @Override
    public double seconds(int stage, int first, int end) {
      return IntStream.range(first, end).map(block -> seconds[block]).sum();
    }

    @Override
    public long bytes(int stage, int first, int end) {
      return (long) factors[stage] * IntStream.range(first, end).map(block -> bytes[block]).sum();
    }

    double slowest(Placement placement) {
      return IntStream.range(0, placement.count())
          .mapToDouble(s -> seconds(s, placement.first(s), placement.end(s)))
          .max()
          .orElseThrow();
    }

    long largest(Placement placement) {
      return IntStream.range(0, placement.count())
          .mapToLong(s -> bytes(s, placement.first(s), placement.end(s)))
          .max()
          .orElseThrow();
    }
  }

  @Test
  void findsWhatTryingAllPlacementsFinds() {
    var random = new Random(11);
    int refused = 0;
    for (int trial = 0; trial < 3000; trial++) {
      int blocks = 1 + random.nextInt(7);
      int stages = 1 + random.nextInt(blocks);
      var costs =
          new Costs(
              numbers(random, blocks, 6), numbers(random, blocks, 6), numbers(random, stages, 3));
      long limit = 1 + random.nextInt(60);
      Optional<Placement> expected =
          all(blocks, stages).stream()
              .filter(each -> costs.largest(each) <= limit)
              .min(Comparator.comparingDouble(costs::slowest).thenComparing(costs::largest));

      Optional<Placement> found = new PlacementSearch(blocks, stages, costs).best(limit);

      assertThat(found.map(costs::slowest)).isEqualTo(expected.map(costs::slowest));
      assertThat(found.map(costs::largest)).isEqualTo(expected.map(costs::largest));
      refused += expected.isEmpty() ? 1 : 0;
      long smallest = all(blocks, stages).stream().mapToLong(costs::largest).min().orElseThrow();
      assertThat(costs.largest(new PlacementSearch(blocks, stages, costs).smallest()))
          .isEqualTo(smallest);
    }
    assertThat(refused).isBetween(300, 2700);
  }

  private static int[] numbers(Random random, int count, int most) {
    return random.ints(count, 1, most + 1).toArray();
  }

  private static List<Placement> all(int blocks, int stages) {
    var all = new ArrayList<Placement>();
    for (int cuts = 0; cuts < 1 << (blocks - 1); cuts++) {
      if (Integer.bitCount(cuts) == stages - 1) {
        var stageOf = new ArrayList<Integer>();
        for (int block = 0; block < blocks; block++) {
          stageOf.add(Integer.bitCount(cuts & ((1 << block) - 1)));
        }
        all.add(new Placement(stageOf));
      }
    }
    return all;
  }
}
