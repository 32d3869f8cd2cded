def save_weights(model, path, extra): 
    import torch; torch.save(model.state_dict(), path)
