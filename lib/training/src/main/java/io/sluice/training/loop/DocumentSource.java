package io.sluice.training.loop;

import io.sluice.recurrent.model.ModelSpec;
import io.sluice.scoring.bundle.DocumentArrays;
import io.sluice.sequences.dataset.Dealing;
import io.sluice.sequences.dataset.Split;
import io.sluice.sequences.text.dataset.DocumentBatches;
import io.sluice.sequences.text.dataset.TextBatch;
import io.sluice.sequences.text.dataset.TextDataset;
import java.util.Arrays;
import org.apache.hadoop.conf.Configuration;

/**
 * The documents of a dataset folder: ids of their tokens, with their class. A batch has as many
 * steps as its longest document.
 *
 * @param uri the folder
 */
public record DocumentSource(String uri) implements ExampleSource {

  @Override
  public ExampleSet examples(Configuration hadoop, ModelSpec spec) {
    TextDataset dataset = TextDataset.open(uri, hadoop);
    return new Documents(dataset, new DocumentArrays(dataset.contract(), spec));
  }

  private record Documents(TextDataset dataset, DocumentArrays arrays) implements ExampleSet {
    @Override
    public Shards shards(Dealing dealing, int rank, int ranks, long memoryBytes) {
      var documents = dataset.documents(Split.TRAIN, dealing, rank, ranks, memoryBytes);
      return new Shards() {
        @Override
        public Batches epoch(int epoch, long fromStep) {
          return batches(documents.epoch(epoch, fromStep));
        }

        @Override
        public void close() {
          // nothing stays open between two pools
        }
      };
    }

    @Override
    public Batches inOrder(Split split, int batchSize, int rank, int ranks) {
      return batches(dataset.documentsInOrder(split, batchSize, rank, ranks));
    }

    private Batches batches(DocumentBatches batches) {
      return new Batches() {
        @Override
        public boolean hasNext() {
          return batches.hasNext();
        }

        @Override
        public ExampleBatch next() {
          TextBatch batch = batches.next();
          var positions = new long[batch.size()];
          Arrays.setAll(positions, batch::position);
          return new ExampleBatch(
              batch.size() == 0 ? null : arrays.dataSet(batch), positions, batch.globalSize());
        }

        @Override
        public void close() {
          // nothing stays open between two pools
        }
      };
    }
  }
}
